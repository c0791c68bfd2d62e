"""The bugs in how a run is looked at: by an assistant, as its logs grow, while its jobs
wait, and by a shell."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

_ASSISTANT = ("tests/unit/cli/test_mcp_server.py",)
_WAITING = ("tests/unit/cli/test_waiting.py",)
_SHELL = ("tests/unit/cli/test_shell.py",)
_FOLLOW = ("tests/unit/cli/test_follow.py",)
_FOLLOW_FILE = "cli/batchrelay_cli/client/follow.py"

MUTANTS = (
    Mutant(
        bug="an assistant may change what was not allowed",
        file="cli/batchrelay_cli/mcp_server/server.py",
        old="        if name in allowed:\n",
        new="        if allowed:\n",
        tests=_ASSISTANT,
    ),
    Mutant(
        bug="an assistant reads any file by the errors of a plan",
        file="cli/batchrelay_cli/mcp_server/tools.py",
        old="    if not file.endswith(PIPELINE_FILE_ENDINGS):\n",
        new="    if False:\n",
        tests=_ASSISTANT,
    ),
    Mutant(
        bug="control characters reach an assistant",
        file="cli/batchrelay_cli/mcp_server/answers.py",
        old='    start = printable(text[:chars_max], keep="\\t\\n")\n',
        new="    start = text[:chars_max]\n",
        tests=_ASSISTANT,
    ),
    Mutant(
        bug="the log of a job's next attempt is not followed",
        file=_FOLLOW_FILE,
        old="            if stream in one.streams:\n",
        new="            if one.streams:\n",
        tests=_FOLLOW,
    ),
    Mutant(
        bug="lines that come after the end of a job are not followed",
        file=_FOLLOW_FILE,
        old="        late_s = 0.0 if is_local(self.stack) else LATE_S\n",
        new="        late_s = 0.0\n",
        tests=_FOLLOW,
    ),
    Mutant(
        bug="throttled calls are repeated as fast as before",
        file=_FOLLOW_FILE,
        old="pause_s = min(2 * pause_s, PAUSE_S_MAX)",
        new="pause_s = PAUSE_S",
        tests=_FOLLOW,
    ),
    Mutant(
        bug="a job that ended between two looks is not followed",
        file=_FOLLOW_FILE,
        old='and (_has_run(job) or job["outcome"] == _AT_WORK)',
        new='and job["outcome"] == _AT_WORK',
        tests=_FOLLOW,
    ),
    Mutant(
        bug="jobs that only wait for other jobs are shown to wait in the queue",
        file="cli/batchrelay_cli/views/waiting.py",
        old="    if not waiting.runnable:\n",
        new="    if False:\n",
        tests=_WAITING,
    ),
    Mutant(
        bug="each array of a run is listed to see why its children wait",
        file="cli/batchrelay_cli/client/waiting.py",
        old="for job_id in arrays[:ARRAYS_MAX]}",
        new="for job_id in arrays}",
        tests=_WAITING,
    ),
    Mutant(
        bug="a missing permission ends status",
        file="cli/batchrelay_cli/client/waiting.py",
        old="        except ClientError as error:\n",
        new="        except KeyError as error:\n",
        tests=_WAITING,
    ),
    Mutant(
        bug="a shell acts on what a child's variable ENV holds",
        file="cli/batchrelay_cli/spin/local_shell.py",
        old='    r"ENV|BASH_ENV|',
        new='    r"BASH_ENV|',
        tests=_SHELL,
    ),
    Mutant(
        bug="a shell is opened in a task that has ended",
        file="cli/batchrelay_cli/spin/task_shell.py",
        old='if not arn or job["status"] not in ("STARTING", "RUNNING"):',
        new="if not arn:",
        tests=_SHELL,
    ),
    Mutant(
        bug="a shell is opened in a container that is not the job's",
        file="cli/batchrelay_cli/spin/task_shell.py",
        old='for name in (wanted, own, "default"):',
        new='for name in (wanted, "default"):',
        tests=_SHELL,
    ),
)
