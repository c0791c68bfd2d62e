"""Which words of a command are code, and that no item's value comes into one."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import Any

import pytest

from batchrelay_worker.code_words import code_words, program_name
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.items import Item, variables
from batchrelay_worker.program import refuse_code
from tests.stack import ROOT

CODE = """
sh -c @
/bin/sh -c @ sh a
bash -lc @
bash -euo pipefail -c @
bash -o pipefail -ec @
bash -c -e @
bash --rcfile f -ic @
bash --norc -c -- @
dash -c @
ash -c @
zsh -o pipefail -c @
ksh -ec @
tcsh -fc @
fish --command=@
fish --command @
busybox sh -c @
pwsh -NoProfile -Command @
env A=B bash -c @
env -i -u Q A=B /usr/bin/dash -c @
env -S @
timeout 5 sh -c @
timeout -s KILL -k 1 5 sh -c @
nice -n 10 sh -c @
nohup setsid sh -c @
xargs sh -c @
xargs -I {} -P 4 sh -c @
sudo -u user sh -c @
find . -exec sh -c @ {} +
singularity exec image.sif bash -c @
conda run -n env bash -c @
su user -c @
su -c @ user
flock /lock -c @
script -qc @ /dev/null
sbatch --wrap=@
sbatch --wrap @
python -c @
python -Ic @
python -c@
/usr/bin/python3.11 -c @
python3 -W ignore -X dev -c @
timeout 5 python3 -u -c @
pypy3 -c @
perl -e @
perl -lane @ file
perl -ne A -e @
perl -e@
perl -I lib -E @
perl -M@
ruby -e @
ruby -rjson -ne @
node -e @
node --eval @
node --eval=@
node --require ./a.js -p @
nodejs -pe @
deno eval @
php -r @
lua5.4 -e @
julia --project=. -e @
Rscript -e @
Rscript --vanilla -e @
R --vanilla -e @
awk @ file
awk -F , -v a=b @ file
gawk --source @ file
timeout 5 mawk @
xargs -n 1 awk @
sed @ file
sed -i.bak -E @ file
sed -n -e A -e @ file
sed -e@ file
psql -h host db -c @
mysql -u user db -e @
ssh host @
ssh -p 22 -i key host ls @
eval @
eval echo @
watch -n 5 @
parallel @ ::: a b
hyperfine @
bsub -q long @
batchrelay-worker run -- bash -c @
batchrelay-worker run --attempts 3 --backoff 1 -- awk @
batchrelay-worker run --attempts 3 sed @
/opt/bin/batchrelay-worker run -- timeout 5 env A=B sh -c @
"""
NO_CODE = """
@
echo @
sh @
sh script.sh @
sh script.sh -c @
bash -x script.sh @
sh -c A @
sh -c A sh @
bash -euo pipefail -c A bash @
bash -s @
env A=@ program
env A=@ sh -c A
timeout @ sh -c A
batchrelay-worker run --skip-existing @ -- sh -c A
batchrelay-worker run -- program @
python script.py @
python script.py -c @
python -m module -c @
python -c A @
python -c A -c @
python -W @ -c A
perl script.pl -e @
perl -ne A @
ruby script.rb -e @
node script.js -e @
Rscript script.R -e @
awk -f program.awk @
awk -v name=@ A
awk A @
sed -f program.sed @
sed -nf program.sed @
sed -e A @
sed A @
psql db -v name=@ -f query.sql
ssh @ uptime
flock /lock program -c @
train.py eval @
program awk @
program ssh @
convert -c @
tar -cf @ folder
"""


def commands(table: str) -> list[list[str]]:
    return [shlex.split(line) for line in table.strip().splitlines()]


@pytest.mark.parametrize("words", commands(CODE), ids=" ".join)
def test_code_is_known_whatever_stands_before_it(words: list[str]) -> None:
    assert ["@" in words[place] for place in code_words(words)].count(True) >= 1
    with pytest.raises(WorkerError, match=r"\{item\.sample\} is in the code of "):
        refuse_code([word.replace("@", "{item.sample}") for word in words])


@pytest.mark.parametrize("words", commands(NO_CODE), ids=" ".join)
def test_an_argument_is_no_code(words: list[str]) -> None:
    refuse_code([word.replace("@", "{item.sample}") for word in words])


@pytest.mark.parametrize(
    "words", [[], [""], ["sh"], ["sh", "-c"], ["awk"], ["ssh"], ["", "-c", "X"]]
)
def test_a_command_that_ends_early_has_no_code(words: list[str]) -> None:
    assert code_words(words) == {}


def test_the_command_line_and_the_worker_have_the_same_file() -> None:
    ours = ROOT / "worker/batchrelay_worker/code_words.py"
    assert (
        ours.read_bytes() == (ROOT / "cli/batchrelay_cli/pipeline_file/code_words.py").read_bytes()
    )


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The worker in a step without items: its only item is its own number."""
    return subprocess.run(
        [sys.executable, "-m", "batchrelay_worker.main", "run", "--", "sh", "-c", script],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "worker"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_worker_refuses_before_it_begins() -> None:
    done = run("echo began {item.number}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "[batchrelay] {item.number} is in the code of sh: what it holds would run as code. Give it "
        "as an argument of its own, or read the variables ITEM_…; `flow: {unsafeShell: true}` in "
        "the pipeline file allows it\n"
    )
    assert run('echo "began $ITEM_NUMBER"').stdout == "began 0\n"


def test_the_worker_obeys_the_pipeline_file() -> None:
    assert run("echo began {item.number}", BATCHRELAY_UNSAFE_SHELL="1").stdout == "began 0\n"


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ({"sample": "S1"}, {"ITEM_SAMPLE": "S1"}),
        ({"Sample ID": "S1"}, {"ITEM_SAMPLE_ID": "S1"}),
        ({"größe (GB)": 1.5}, {"ITEM_GR__E__GB_": "1.5"}),
        ({"": "x"}, {"ITEM_": "x"}),
        ({"2nd": "x"}, {"ITEM_2ND": "x"}),
        ({"a=b": "x"}, {"ITEM_A_B": "x"}),
        ({"a-b": 1, "a b": 2, "c": 3}, {"ITEM_C": "3"}),
        ({"Sample": 1, "sample": 2}, {}),
        ({"a": None, "b": {"c": 1}, "d": [1]}, {}),
        ({"a": True}, {"ITEM_A": "true"}),
        ({"a": "x\0y"}, {}),
        ({"a": "`id`;$(id)\n'\""}, {"ITEM_A": "`id`;$(id)\n'\""}),
        ({"number": 7, "name": "own"}, {"ITEM_NAME": "own"}),
        ({"bucket": "b", "key": "d/x.tar.gz"}, {
            "ITEM_BUCKET": "b", "ITEM_KEY": "d/x.tar.gz", "ITEM_NAME": "x.tar.gz",
            "ITEM_STEM": "x.tar", "ITEM_URI": "s3://b/d/x.tar.gz",
        }),
    ],
)  # fmt: skip
def test_every_column_has_its_variable(item: Any, wanted: dict[str, str]) -> None:
    named = variables(Item(3, item))
    assert named.pop("ITEM_NUMBER") == "3", "the place in the step, whatever a column says"
    named.pop("ITEM", "")
    assert named == wanted


@pytest.mark.parametrize(
    ("command", "places"),
    [
        ("rsh -l user host A B", {4: "rsh", 5: "rsh"}),
        ("ssh -p 22 host A", {4: "ssh"}),
        ("ssh", {}),
        ("eval -x A B", {2: "eval", 3: "eval"}),
        ("watch -n 5 -- A", {4: "watch"}),
        (r"C:\bin\sh -c A", {2: "sh"}),
        ("bash -O extglob -c A B", {4: "bash"}),
        ("bash +O extglob -oc pipefail A B", {5: "bash"}),
        ("sh -c", {}),
        ("sh - A", {}),
        ("sh - -c A", {}),
        ("sh -- -c A", {}),
        ("sh -c - A", {3: "sh"}),
        ("sh -ec -x -- A B", {4: "sh"}),
        ("fish --commands=A --command B", {1: "fish", 3: "fish"}),
        ("bash --rcfile A -c B", {4: "bash"}),
        ("bash --rcfile=A -c B", {3: "bash"}),
        ("python -cA", {1: "python"}),
        ("python -W c -X c A", {}),
        ("perl -MA -eB -e C", {1: "perl", 2: "perl", 4: "perl"}),
        ("perl -Ie A", {}),
        ("perl --x A -e B", {4: "perl"}),
        ("perl --x=A B -e C", {}),
        ("perl --x -e A", {3: "perl"}),
        ("perl --x", {}),
        ("perl --x=y -e A", {3: "perl"}),
        ("psql -- a -c D", {}),
        ("psql a -- -c D", {}),
        ("pwsh A B C -c D", {5: "pwsh"}),
        ("pwsh A B C D -c E", {}),
        ("node --eval=A --print B", {1: "node", 3: "node"}),
        ("awk -f A B", {}),
        ("awk -fA B", {}),
        ("awk --file=A B", {}),
        ("awk B -f A", {1: "awk"}),
        ("awk B -f", {1: "awk"}),
        ("awk --x B -f A", {2: "awk"}),
        ("awk -e A B", {2: "awk"}),
        ("eval -- -x A", {2: "eval", 3: "eval"}),
        ("awk -v x=1 A B", {3: "awk"}),
        ("sed -l 5 A", {3: "sed"}),
        ("env -u A -C B sh -c D", {7: "sh"}),
        ("env --unset A x=1 eval D", {5: "eval"}),
        ("env --unset=A eval D", {3: "eval"}),
        ("timeout -s KILL 5 eval D", {5: "eval"}),
        ("timeout -- 5 eval D", {}),
        ("timeout 5 -k 1 nice eval D", {6: "eval"}),
        ("nice - eval D", {}),
        ("echo eval D", {}),
        ("psql a b -c D", {4: "psql"}),
        ("psql a b c -c D", {}),
        ("", {}),
    ],
)
def test_the_places_of_code_are_known(command: str, places: dict[int, str]) -> None:
    assert code_words(command.split()) == places


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("/usr/bin/python3.11", "python"),
        ("python-3", "python"),
        (r"C:\x\perl5", "perl"),
        ("a7b", "a7b"),
        ("bin/", ""),
        ("3", ""),
    ],
)
def test_a_program_is_known_by_its_name_without_a_version(word: str, name: str) -> None:
    assert program_name(word) == name


def test_a_program_whose_every_word_has_a_value_may_have_code() -> None:
    with pytest.raises(WorkerError) as caught:
        refuse_code(["{item.folder}/python", "-c{item.code}"])
    assert str(caught.value) == (
        "{item.code} is in the code of python: what it holds would run as code. Give it as an "
        "argument of its own, or read the variables ITEM_…; `flow: {unsafeShell: true}` in the "
        "pipeline file allows it"
    )
