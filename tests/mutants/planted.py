"""The bugs: in which file which text becomes which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One bug: in which file which text becomes which."""

    bug: str
    file: str
    """Below the core's package, or from functions/ or local/ on."""
    ),
    Mutant(
    """Below the core's package, or below functions/, cli/, worker/."""
    old: str
    new: str
    tests: tuple[str, ...] = ()
    """Those that judge it; empty: those of the core."""


MUTANTS = (
    Mutant(
        bug="a terminal event of a twin is believed",
        file="domain/transitions.py",
        old="part.job_id not in (None, event.job_id)",
        new="False",
    ),
    Mutant(
        bug="an event that outruns the jobId is dropped",
        file="domain/transitions.py",
        old="part.job_id not in (None, event.job_id)",
        new="part.job_id != event.job_id",
    ),
    Mutant(
        bug="a second job of a part takes the first one's place",
        file="domain/transitions.py",
        old="if not part.is_unsubmitted:\n        return _note_twin(run, event), state",
        new="if False:\n        return _note_twin(run, event), state",
    ),
    Mutant(
        bug="a twin is forgotten instead of stopped",
        file="domain/transitions.py",
        old="if not part.is_unsubmitted:\n        return _note_twin(run, event), state",
        new="if not part.is_unsubmitted:\n        return run, state",
    ),
    Mutant(
        bug="a dependent starts when one of its needs is ready",
        file="domain/settling.py",
        old="if not all(_lets_run(run, step, need) for need in step.needs):",
        new='if not any(_lets_run(run, step, need) for need in step.needs or ("",)):',
    ),
    Mutant(
        bug="a step succeeds although one of its parts failed",
        file="domain/settling.py",
        old="elif not all(part.outcome is JobOutcome.SUCCEEDED for part in parts):",
        new="elif not any(part.outcome is JobOutcome.SUCCEEDED for part in parts):",
    ),
    Mutant(
        bug="a step ends when its first part has ended",
        file="domain/settling.py",
        old="elif any(part.is_active for part in parts):",
        new="elif all(part.is_active for part in parts):",
    ),
    Mutant(
        bug="a duplicate event is written once more",
        file="domain/transitions.py",
        old="if part is None or part.outcome is not None:\n        return state",
        new="if part is None:\n        return state",
    ),
    Mutant(
        bug="a preparation of another round is accepted",
        file="domain/transitions.py",
        old="if event.round == state.round:",
        new="if True:",
    ),
    Mutant(
        bug="a step without items holds up its dependents",
        file="domain/run.py",
        old="return self.children == 0",
        new="return False",
    ),
    Mutant(
        bug="a step that was skipped for a failure lets its dependents run",
        file="domain/run.py",
        old="return self.children == 0",
        new="return True",
    ),
    Mutant(
        bug="a run that failed says that it succeeded",
        file="domain/stopping.py",
        old="return RunStatus.FAILED if StepStatus.FAILED in statuses",
        new="return RunStatus.FAILED if statuses == {StepStatus.FAILED}",
    ),
    Mutant(
        bug="a part of one child stands beside another",
        file="domain/sizes.py",
        old="return (base + 1,) * larger + (base,) * (count - larger)",
        new="return (ARRAY_SIZE_MAX,) * (count - 1) + (children - ARRAY_SIZE_MAX * (count - 1),)",
    ),
    Mutant(
        bug="an array of one is submitted",
        file="domain/requests.py",
        old="if part.size > 1:",
        new="if part.size > 0:",
    ),
    Mutant(
        bug="effects are performed before the state is saved",
        file="engine.py",
        old="                created = self.runs.create(run)",
        new="                self._perform(run, owed(run)[0])\n"
        "                created = self.runs.create(run)",
    ),
    Mutant(
        bug="a conflict is not folded again",
        file="engine.py",
        old="run = self.runs.load(run.id)\n                continue",
        new="return _Advanced(run=run)",
    ),
    Mutant(
        bug="a save is not conditional",
        file="adapters/memory.py",
        old="if stored is None or stored.version != run.version:",
        new="if stored is None:",
    ),
    Mutant(
        bug="every handler performs everything that is owed",
        file="engine.py",
        old="tuple(effect for effect in owed(saved) if effect not in before)",
        new="owed(saved)",
    ),
    Mutant(
        bug="a sweep submits without looking the name up",
        file="engine.py",
        old="return self._found(run, effect.key) or (self._not_found(run, effect),)",
        new="return (self._not_found(run, effect),)",
    ),
    Mutant(
        bug="a sweep does not wait for the grace",
        file="domain/effects.py",
        old="return now >= self.since + timedelta(seconds=self.GRACE_S)",
        new="return now >= self.since",
    ),
    Mutant(
        bug="two sweeps perform the same overdue effect",
        file="domain/transitions.py",
        old="part = replace(state.parts[key.part], since=now)",
        new="part = state.parts[key.part]",
    ),
    Mutant(
        bug="a lost terminal event is never heard",
        file="engine.py",
        old="(*missed(run, self.jobs, now), DeadlinePassed(at=now), GraceExpired(at=now))",
        new="(DeadlinePassed(at=now), GraceExpired(at=now))",
    ),
    Mutant(
        bug="a sweep adopts the newest job",
        file="engine.py",
        old="job_id=job_id) for job_id in found)",
        new="job_id=job_id) for job_id in found[::-1])",
    ),
    Mutant(
        bug="an ended run is not open although its notice is owed",
        file="domain/obligations.py",
        old="return not run.status.is_terminal or bool(owed(run))",
        new="return not run.status.is_terminal",
    ),
    Mutant(
        bug="a jobName keeps its upper case",
        file="domain/values.py",
        old='return f"{step[: STEP_LABEL_MAX - 13]}-{digest}".lower()',
        new='return f"{step[: STEP_LABEL_MAX - 13]}-{digest}"',
    ),
    Mutant(
        bug="the codec forgets a part's job",
        file="codec/runs.py",
        old='job_id=reader.maybe("j", str),',
        new="job_id=None,",
    ),
    Mutant(
        bug="a child's event is taken for its parent's",
        file="adapters/eventbridge.py",
        old='return None if ":" in job_id else end_of(',
        new='return None if ";" in job_id else end_of(',
    ),
    Mutant(
        bug="a lost answer of SubmitJob is sent again",
        file="adapters/batch.py",
        old='retries={"total_max_attempts": 1, "mode": "adaptive"}',
        new='retries={"total_max_attempts": 3}',
    ),
    Mutant(
        bug="a similar jobName is adopted",
        file="adapters/batch.py",
        old='if job["jobName"] == name]',
        new="if job]",
    ),
    Mutant(
        bug="the offset table is one entry short",
        file="manifest.py",
        old="        self.offsets.write(_offset(self.position))\n        self.lines.complete()",
        new="        self.lines.complete()",
    ),
    Mutant(
        bug="a number at the edge of a chunk is cut",
        file="items/json_list.py",
        old="if self._may_go_on(value, end) and self._fetch():",
        new="if False:",
    ),
    Mutant(
        bug="what stands behind a JSON list is not read",
        file="items/json_list.py",
        old="        for members in reversed(open_objects):",
        new="        return\n        for members in reversed(open_objects):",
    ),
    Mutant(
        bug="a key that is there twice means its last value",
        file="items/strict_json.py",
        old="if len(members) != len(pairs):",
        new="if False:",
    ),
    Mutant(
        bug="a number that is too large is Infinity to a child",
        file="items/strict_json.py",
        old="is_ordinary = value and value - value == 0",
        new="is_ordinary = True",
    ),
    Mutant(
        bug="a TSV list is read as plain lines",
        file="items/sources.py",
        old='".tsv": ListFormat.TSV,',
        new='".tsv": ListFormat.LINES,',
    ),
    Mutant(
        bug="a table of another separator is one column",
        file="items/tables.py",
        old="    if is_guess:\n        _check_separator(header, rows)",
        new="    if False:\n        _check_separator(header, rows)",
    ),
    Mutant(
        bug="a quote that is not closed takes in the whole file",
        file="items/tables.py",
        old="if self._chars > ITEM_BYTES_MAX:",
        new="if False:",
    ),
    Mutant(
        bug="the separator of a list is not stored",
        file="codec/pipelines.py",
        old='separator = {"separator": each.separator} if each.separator else {}',
        new="separator: dict[str, Json] = {}",
    ),
    Mutant(
        bug="what one effect raises loses the results of the others",
        file="engine.py",
        old="trouble = trouble or error",
        new="raise",
    ),
    Mutant(
        bug="a job that AWS Batch has forgotten is waited for for ever",
        file="hearing.py",
        old="if now >= part.since + timedelta(seconds=JOB_FORGOTTEN_S):",
        new="if False:",
    ),
    Mutant(
        bug="a save whose answer was lost is taken for a rival's",
        file="adapters/dynamodb.py",
        old='if stored.get("token") != token:',
        new="if True:",
    ),
    Mutant(
        bug="a termination that was not allowed counts as done",
        file="adapters/batch.py",
        old="isinstance(problem, Refused) and not is_denied(problem)",
        new="isinstance(problem, Refused)",
    ),
    Mutant(
        bug="an odd field hides a job's end",
        file="job_detail.py",
        old="return value if isinstance(value, int) else otherwise",
        new="return int(value)",
    ),
    Mutant(
        bug="a lane starts before its upstream has a job",
        file="domain/lanes.py",
        old="if not all(part.job_id is not None or _succeeded(part) for part in lanes):",
        new="if False:",
    ),
    Mutant(
        bug="a lane is offered to a job that has failed",
        file="domain/settling.py",
        old="elif (reason := doom(run, step, number)) is not None:",
        new="elif (reason := doom(run, step, number)) is not None and False:",
    ),
    Mutant(
        bug="a part of a sequence does not wait for the one before",
        file="domain/lanes.py",
        old="return not step.sequential or all(map(_succeeded, run.state(step.name).parts[:number]))",
        new="return True",
    ),
    Mutant(
        bug="an aggregate ends after its first level",
        file="domain/settling.py",
        old="elif step.aggregate is not None and (state.children or 0) > 1:",
        new="elif False:",
    ),
    Mutant(
        bug="a condition is not asked",
        file="domain/settling.py",
        old="if step.when is not None and not parse_condition(step.when).holds(condition_lookup(run)):",
        new="if False:",
    ),
    Mutant(
        bug="a suspended upload forgets what it held",
        file="manifest.py",
        old='"count": self.count,',
        new='"count": 0,',
    ),
    Mutant(
        bug="a listing goes on from its beginning",
        file="items/sources.py",
        old="found = self.objects.list(prefix, after)",
        new='found = self.objects.list(prefix, "")',
    ),
    Mutant(
        bug="a group's children count from the step's first",
        file="domain/run.py",
        old="return sum(part.size for part in self.parts if part.group < group)",
        new="return 0",
    ),
    Mutant(
        bug="outputs that were there are lost to an aggregate",
        file="items/sources.py",
        old="if state.existing and state.manifest is not None:",
        new="if False:",
    ),
    Mutant(
        bug="an item is left out before what continues it has made its output",
        file="domain/chains.py",
        old="        for step in continuations(steps, head):\n            if step.output",
        new="        for step in ():\n            if step.output",
    ),
    Mutant(
        bug="outputs that were there are lost to a step that continues them",
        file="domain/settling.py",
        old="return replace(state, existing=lead.existing, manifest=lead.manifest)",
        new="return replace(state, manifest=lead.manifest)",
    ),
    Mutant(
        bug="a chain that may lose results is prepared all the same",
        file="preparation.py",
        old='            raise InvalidItems(f"step {name}: {problem}")',
        new="            pass",
    ),
    Mutant(
        bug="an item that was made stands for another with the same output",
        file="items/outputs.py",
        old="        if step.skip_existing is not None:",
        new="        if False:",
    ),
    Mutant(
        bug="a queue is left behind",
        file="domain/settling.py",
        old="queues = any(step.workers is not None for step in run.pipeline.steps)",
        new="queues = False",
    ),
    Mutant(
        bug="a failed preparation is asked for again for ever",
        file="preparation.py",
        old="FOR_GOOD = (InvalidItems, Refused, ValueError, ArithmeticError)",
        new="FOR_GOOD = (InvalidItems,)",
    ),
    Mutant(
        bug="a queue of an older attempt is filled again",
        file="preparation.py",
        old="[str(row) for row in range(rows)]",
        new="[str(row) for row in range(rows + 1)]",
    ),
    Mutant(
        bug="a run that is being stopped goes on to its next step",
        file="domain/settling.py",
        old="return _NOT_PREPARED if _is_preparing(run, step) else _NOT_BEGUN",
        new="return _NOT_PREPARED if _is_preparing(run, step) else _READY",
    ),
    Mutant(
        bug="a preparation holds up a run that is being stopped",
        file="domain/settling.py",
        old="or (run.stop is not None and _is_preparing(run, step))",
        new="or False",
    ),
    Mutant(
        bug="what is cancelled is submitted all the same",
        file="domain/obligations.py",
        old="SubmitJob if run.stop is None else WithdrawSubmission",
        new="SubmitJob",
    ),
    Mutant(
        bug="a submission in flight is withdrawn at once",
        file="engine.py",
        old="case WithdrawSubmission():  # somebody may be submitting it: wait for the grace\n                    return ()",
        new="case WithdrawSubmission():\n                    return (self._not_found(run, effect),)",
    ),
    Mutant(
        bug="a job that was told is told for ever",
        file="domain/stopping.py",
        old="replace(part, is_told=True, failed=max(part.failed, event.failed))",
        new="replace(part, failed=max(part.failed, event.failed))",
    ),
    Mutant(
        bug="a job that nobody was told to stop runs on",
        file="domain/stopping.py",
        old="return replace(run, stop=replace(run.stop, since=now))",
        new="return run",
    ),
    Mutant(
        bug="what had failed before is told as stopped",
        file="domain/stopping.py",
        old="return event.stopped_at is None or event.stopped_at >= stop.asked_at",
        new="return True",
    ),
    Mutant(
        bug="a deadline is not kept",
        file="engine.py",
        old="(*missed(run, self.jobs, now), DeadlinePassed(at=now), GraceExpired(at=now))",
        new="(*missed(run, self.jobs, now), GraceExpired(at=now))",
    ),
    Mutant(
        bug="a run that took too long is CANCELLED, and nobody is told of a failure",
        file="domain/stopping.py",
        old="return RunStatus.CANCELLED if by_hand else RunStatus.FAILED",
        new="return RunStatus.CANCELLED",
    ),
    Mutant(
        bug="the queue of a late preparation is left behind",
        file="engine.py",
        old="events.append(QueuesLeft(at=self.clock.now()))",
        new="pass",
    ),
    Mutant(
        bug="a job that was blocked is called so for ever",
        file="domain/transitions.py",
        old='blocked="" if has_begun else part.blocked',
        new="blocked=part.blocked",
    ),
    Mutant(
        bug="a job that waits for its lane is called blocked",
        file="job_detail.py",
        old='return status == "RUNNABLE"',
        new='return status in ("PENDING", "RUNNABLE")',
    ),
    Mutant(
        bug="jobs that could not be told in bulk count as told",
        file="adapters/batch.py",
        old='not_told = {entry["job"] for entry in answer.get("errors", ())}',
        new="not_told = set[str]()",
    ),
    Mutant(
        bug="a poisoned record takes its whole batch along",
        file="functions/on_job_event/app.py",
        old='            failed.append(message["messageId"])\n            continue',
        new="            raise",
    ),
    Mutant(
        bug="a record that could not be handled is deleted",
        file="functions/on_job_event/app.py",
        old="        if not _advanced(run_id, [fact for _, fact in facts], heard_at):",
        new="        if _advanced(run_id, [fact for _, fact in facts], heard_at) is None:",
    ),
    Mutant(
        bug="an event of a run that TTL removed comes back until it is a dead letter",
        file="functions/on_job_event/app.py",
        old='        logger.info("event of an unknown run", extra={"run_id": run_id})\n        return True',
        new='        logger.info("event of an unknown run", extra={"run_id": run_id})\n        return False',
    ),
    Mutant(
        bug="the events of one run are handled one by one",
        file="functions/on_job_event/app.py",
        old="    for run_id, facts in heard.items():",
        new="    for run_id, facts in [(run, [fact]) for run, all_ in heard.items() for fact in all_]:",
    ),
    Mutant(
        bug="a preparation that failed is deleted",
        file="functions/prepare/app.py",
        old='        logger.exception("step not prepared")\n        return False',
        new='        logger.exception("step not prepared")\n        return True',
    ),
    Mutant(
        bug="a run that cannot be swept ends the sweep",
        file="functions/reconcile/app.py",
        old="            failed.append(run_id)\n            continue",
        new="            failed.append(run_id)\n            break",
    ),
    Mutant(
        bug="a sweep that failed looks like one that went well",
        file="functions/reconcile/app.py",
        old="    if failed:",
        new="    if failed and not swept:",
    ),
    Mutant(
        bug="trouble of ours is told as the caller's",
        file="functions/start_run/app.py",
        old="except (InputError, CodecError) as error:",
        new="except Exception as error:",
    ),
    Mutant(
        bug="a run begins while others of its line wait",
        file="turns.py",
        old="        if turn.waiting and not is_open:  # whoever should have passed it on has died",
        new="        if False:",
    ),
    Mutant(
        bug="a turn is passed on while its holder is open",
        file="turns.py",
        old="        if _is_open(holder):\n",
        new="        if _is_open(holder) and not turn.waiting:\n",
    ),
    Mutant(
        bug="a turn is taken although it was passed on meanwhile",
        file="adapters/memory.py",
        old="if self.turn(turn.pipeline).version != turn.version:",
        new="if False:",
    ),
    Mutant(
        bug="a run that has ended passes its turn to nobody, and no sweep does",
        file="engine.py",
        old="if run.overlap is Overlap.PARALLEL or not (is_queued or handled.ended):",
        new="if run.overlap is Overlap.PARALLEL or is_queued or not handled.ended:",
    ),
    Mutant(
        bug="what waits is not cancelled by what takes its place",
        file="domain/turn.py",
        old="return (self.holder, *self.waiting[: self.waiting.index(run_id)])",
        new="return (self.holder,)",
    ),
    Mutant(
        bug="a trigger that skips waits instead",
        file="turns.py",
        old="if is_open and queued.overlap is Overlap.SKIP:",
        new="if False:",
    ),
    Mutant(
        bug="a burst is closed while uploads come",
        file="domain/burst.py",
        old="now >= self.last_at + timedelta(seconds=quiet_s)",
        new="now >= self.first_at + timedelta(seconds=quiet_s)",
    ),
    Mutant(
        bug="who closed a burst and died leaves it without a run",
        file="bursts.py",
        old="            if burst.number > ring.number:  # it is closed, and whoever did so may have died\n"
        "                is_spare = burst.number == ring.number + 1 and burst.closed_at != ring.at\n"
        "                return None if is_spare else self._start(trigger, ring.number)",
        new="            if burst.number > ring.number:\n                return None",
    ),
    Mutant(
        bug="an upload that comes just when a burst is closed is lost",
        file="adapters/memory.py",
        old="if self._same(name, burst).count != burst.count:",
        new="if False:",
    ),
    Mutant(
        bug="an upload that is told again after its burst is another run",
        file="adapters/memory.py",
        old="            if (name, upload.identity) in self.seen:\n                continue",
        new="            if upload in self.noted.get((name, burst.number), ()):\n                continue",
    ),
    Mutant(
        bug="a timer that is put off is sent after it was noted",
        file="bursts.py",
        old="        rings_at = self._ring(trigger, burst.number, left_s)\n"
        "        self.store.put_off(trigger.name, burst, rings_at)",
        new="        rings_at = now + timedelta(seconds=left_s)\n"
        "        self.store.put_off(trigger.name, burst, rings_at)\n"
        "        self._ring(trigger, burst.number, left_s)",
    ),
    Mutant(
        bug="a timer that comes before the write that notes it is dropped",
        file="bursts.py",
        old="        if is_ahead and not _is_late(ring.at, now):",
        new="        if False:",
    ),
    Mutant(
        bug="a timer that is lost is taken over by nobody",
        file="bursts.py",
        old="        if burst.rings_at is not None and _is_late(burst.rings_at, now):",
        new="        if False:",
    ),
    Mutant(
        bug="a late writer brings an old timer back",
        file="adapters/memory.py",
        old="if (known.number, known.rings_at) != (burst.number, burst.rings_at):",
        new="if known.number != burst.number:",
    ),
    Mutant(
        bug="runs that were cancelled keep their places in the line",
        file="turns.py",
        old="    if not set(run_ids).isdisjoint(turn.waiting):",
        new="    if False:",
    ),
    Mutant(
        bug="a write that meets somebody's transaction fails",
        file="adapters/client_errors.py",
        old='    if error.response["Error"]["Code"] == "TransactionConflictException":',
        new="    if False:",
    ),
    Mutant(
        bug="a spare timer asks again for a burst that was skipped",
        file="bursts.py",
        old="return None if is_spare else self._start(trigger, ring.number)",
        new="return self._start(trigger, ring.number)",
    ),
    Mutant(
        bug="sequencers are compared as numbers",
        file="domain/burst.py",
        old="        return mine > others",
        new='        return int(self.sequencer or "0", 16) > int(other.sequencer or "0", 16)',
    ),
    Mutant(
        bug="a request with a wrong signature passes",
        file="local/batchrelay_local/signatures.py",
        old="        computed = signer.sign(self._canonical(request), self.timestamp)",
        new="        computed = self.signature",
    ),
    Mutant(
        bug="a body that was changed after it was signed passes",
        file="local/batchrelay_local/signatures.py",
        old="        if declared and declared != found:",
        new="        if False:",
    ),
    Mutant(
        bug="a header that was added after signing passes",
        file="local/batchrelay_local/signatures.py",
        old="and name not in signature.signed_headers",
        new="and False",
    ),
    Mutant(
        bug="a presigned URL never expires",
        file="local/batchrelay_local/signatures.py",
        old="    if signed_at + (lifetime or SKEW_MAX) < now:",
        new="    if False:",
    ),
    Mutant(
        bug="a name that is rebound to loopback passes",
        file="local/batchrelay_local/access.py",
        old='    return name in _LOOPBACK or name.endswith(".localhost")',
        new="    return bool(name)",
    ),
    Mutant(
        bug="a page of another site passes",
        file="local/batchrelay_local/access.py",
        old="        if origin and origin != f\"http://{request.headers['host']}\":",
        new="        if False:",
    ),
    Mutant(
        bug="every page may read what the local cloud answers",
        file="local/batchrelay_local/access.py",
        old='                    if not name.lower().startswith(b"access-control-")',
        new="                    if name",
    ),
    Mutant(
        bug="the emulator's own routes are open",
        file="local/batchrelay_local/access.py",
        old="        if path.startswith(_ADMIN):",
        new="        if False:",
    ),
    Mutant(
        bug="an older answer of AWS Batch hides newer counts that are stored",
        file="progress.py",
        old="return state.counted_at is not None and state.counted_at > at",
        new="return False",
    ),
    Mutant(
        bug="a refused DescribeJobs call is repeated by every look",
        file="progress.py",
        old="self._kept[run_id] = last",
        new="self._kept.update({run_id: last} if last.answered_at else {})",
    ),
    ),
    Mutant(
        bug="a value of a trigger may stand in the code of a shell",
        file="cli/batchrelay_cli/pipeline_file/shell_code.py",
        old='OURS = ("run", "env")',
        new='OURS = ("run", "env", "trigger")',
        tests=("tests/cli/test_shell_code.py",),
    ),
    Mutant(
        bug="a parameter of a job definition carries a value into code",
        file="cli/batchrelay_cli/pipeline_file/shell_code.py",
        old="if isinstance(text, str) and any(_values_of_parameter(text, command)):",
        new="if False:",
        tests=("tests/cli/test_shell_code.py",),
    ),
    Mutant(
        bug="the worker puts an item's value into the code of a shell",
        file="worker/batchrelay_worker/main.py",
        old="    if not os.environ.get(UNSAFE_SHELL):",
        new="    if False:",
        tests=("tests/worker/test_code_words.py",),
    ),
    Mutant(
        bug="a shell is known by -c alone, and not by -lc",
        file="worker/batchrelay_worker/code_words.py",
        old='(word[0] == "-" and "c" in word)',
        new='word == "-c"',
        tests=("tests/worker/test_code_words.py",),
    ),
    Mutant(
        bug="of two columns with one variable the last has it",
        file="worker/batchrelay_worker/items.py",
        old="if is_plain and known.count(variable) == 1:",
        new="if is_plain:",
        tests=("tests/worker/test_code_words.py",),
    ),
    Mutant(
        bug="the worker does not know that code is allowed",
        file="domain/requests.py",
        old="    if step.unsafe_shell:",
        new="    if False:",
    ),
)
