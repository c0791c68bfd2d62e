"""The bugs in what is stored: its codec, its size, conditional saves."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a conflict is not folded again",
        file="engine/engine.py",
        old="run = self.runs.load(run.id)\n                continue",
        new="return Advanced(run=run)",
    ),
    Mutant(
        bug="a save is not conditional",
        file="adapters/memory/run_store.py",
        old="if stored is None or stored.version != run.version:",
        new="if stored is None:",
    ),
    Mutant(
        bug="the codec forgets a part's job",
        file="codec/step_states.py",
        old='    _Field("j", "job_id", _TEXT),\n',
        new="",
    ),
    Mutant(
        bug="a text is written for a state that has the id of one that is gone",
        file="codec/step_states.py",
        old="if kept is not None and kept[0] is state:",
        new="if kept is not None:",
    ),
    Mutant(
        bug="the texts of states of any length are kept",
        file="codec/step_states.py",
        old="    if len(text) <= CHARS_KEPT_MAX:",
        new="    if True:",
    ),
    Mutant(
        bug="states of any length are kept as they were read",
        file="codec/step_states.py",
        old='len(document.get("parts", "")) <= CHARS_KEPT_MAX',
        new="True",
    ),
    Mutant(
        bug="a document is taken for one of other types",
        file="codec/step_states.py",
        old="@lru_cache(maxsize=STATES_KEPT, typed=True)",
        new="@lru_cache(maxsize=STATES_KEPT)",
    ),
    Mutant(
        bug="the separator of a list is not stored",
        file="codec/pipelines.py",
        old='separator = {"separator": each.separator} if each.separator else {}',
        new="separator: dict[str, Json] = {}",
    ),
    Mutant(
        bug="a save whose answer was lost is taken for a rival's",
        file="adapters/dynamodb.py",
        old='if stored.get("token") != token:',
        new="if True:",
    ),
    Mutant(
        bug="a write that meets another transaction fails",
        file="adapters/client_errors.py",
        old='    if error.response["Error"]["Code"] == "TransactionConflictException":',
        new="    if False:",
    ),
    Mutant(
        bug="writers that collided wait for the same time",
        file="adapters/backoff.py",
        old="wait = random.uniform(0, bound)",
        new="wait = bound",
    ),
    Mutant(
        bug="a run is open when its lists expire",
        file="engine/engine.py",
        old="        after = advance(after, DeadlinePassed(at=now, open_days_max=self.open_days_max))\n",
        new="",
    ),
    Mutant(
        bug="a run keeps no budget for how its steps end",
        file="domain/run_size.py",
        old="    return REASON_BYTES_MAX * (2 if retries or (step.has_items and may_prepare) else 1)",
        new="    return 0 * may_prepare",
    ),
    Mutant(
        bug="a step grows without budget",
        file="domain/run_size.py",
        old="        if size > STATE_BYTES_MAX:\n            return size",
        new="        if False:\n            return size",
    ),
    Mutant(
        bug="the size of a state is kept for whatever step has it",
        file="domain/run_size.py",
        old="    kept = _KEPT.get((id(step), id(state)))\n    if kept is not None:\n",
        new="    kept = next((k for k in _KEPT.values() if k[1] is state), None)\n    if kept is not None:\n",
    ),
    Mutant(
        bug="the texts of a run are counted once, whatever they become",
        file="domain/run_size.py",
        old="if kept is not None and all(map(is_, kept[0], mappings)):",
        new="if kept is not None:",
    ),
    Mutant(
        bug="a step of a run that is too large cannot end",
        file="domain/run_size.py",
        old="        if growth <= 0:",
        new="        if growth < -(10**9):",
    ),
    Mutant(
        bug="a run's size is counted before it is deflated",
        file="codec/stored.py",
        old="len(text) if isinstance(document, str) else len(document)",
        new="len(text)",
    ),
    Mutant(
        bug="the store in memory takes a run of any size",
        file="adapters/memory/run_store.py",
        old="        stored_run(written, self.bytes_max)\n",
        new="",
    ),
    Mutant(
        bug="a part takes more bytes once it has a job",
        file="codec/step_states.py",
        old="    records = packed_parts(parts)",
        new="    records = None if any(part.job_id for part in parts) else packed_parts(parts)",
    ),
    Mutant(
        bug="duplicate jobs are recorded without a limit",
        file="domain/job_events.py",
        old="return not is_recorded and len(duplicates) < DUPLICATE_JOBS_MAX",
        new="return not is_recorded",
    ),
    Mutant(
        bug="a reason is bounded in characters only",
        file="domain/values.py",
        old='    while stored_text(reason + "…") > REASON_BYTES_MAX:',
        new="    while False:",
    ),
    Mutant(
        bug="a run is deflated by its own length, not by that of its item",
        file="codec/stored.py",
        old="    if KEYS_BYTES + beside + len(document) <= WRITE_UNIT_BYTES:",
        new="    if len(document) <= WRITE_UNIT_BYTES:",
    ),
    Mutant(
        bug="a definition is measured before it is deflated",
        file="codec/stored.py",
        old="size = len(zlib.compress(text))",
        new="size = len(text)",
    ),
    Mutant(
        bug="a definition that no item holds is sent to the store",
        file="codec/stored.py",
        old="if size > PIPELINE_BYTES_MAX:",
        new="if False:",
    ),
    Mutant(
        bug="a step that fails for its size keeps the place where its preparation stopped",
        file="domain/run_size.py",
        old='            attempts=NO_ATTEMPTS,\n            resume="",\n',
        new="",
    ),
    Mutant(
        bug="a process keeps what it computed of every run that it has seen",
        file="domain/kept.py",
        old="if len(self) >= self._entries_max:",
        new="if False:",
    ),
)
