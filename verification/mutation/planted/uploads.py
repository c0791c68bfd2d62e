"""The bugs in how uploads become runs."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a batch is closed while uploads come",
        file="domain/upload_batch.py",
        old="now >= self.last_at + timedelta(seconds=debounce_s)",
        new="now >= self.first_at + timedelta(seconds=debounce_s)",
    ),
    Mutant(
        bug="who closed a batch and died leaves it without a run",
        file="triggers/batching.py",
        old="            if batch.number > timer.number:  # closed; its closer may have died before the start\n"
        "                is_spare = batch.number == timer.number + 1 and batch.closed_at != timer.at\n"
        "                return None if is_spare else self._start(trigger, timer.number)",
        new="            if batch.number > timer.number:\n                return None",
    ),
    Mutant(
        bug="an upload that comes just when a batch is closed is lost",
        file="adapters/memory/upload_batches.py",
        old="if self._same(name, batch).count != batch.count:",
        new="if False:",
    ),
    Mutant(
        bug="an upload that is delivered again after its batch is another run",
        file="adapters/memory/upload_batches.py",
        old="            if (name, upload.identity) in self.seen:\n                continue",
        new="            if upload in self.noted.get((name, batch.number), ()):\n                continue",
    ),
    Mutant(
        bug="a timer that is put off is sent after it was noted",
        file="triggers/batching.py",
        old="        timer_at = self._send_timer(trigger, batch.number, left_s)\n"
        "        self.store.extend(trigger.name, batch, timer_at)",
        new="        timer_at = now + timedelta(seconds=left_s)\n"
        "        self.store.extend(trigger.name, batch, timer_at)\n"
        "        self._send_timer(trigger, batch.number, left_s)",
    ),
    Mutant(
        bug="a timer that comes before the write that notes it is dropped",
        file="triggers/batching.py",
        old="        if is_ahead and not _is_late(timer.at, now):",
        new="        if False:",
    ),
    Mutant(
        bug="a lost timer is never taken over",
        file="triggers/batching.py",
        old="        if batch.timer_at is not None and _is_late(batch.timer_at, now):",
        new="        if False:",
    ),
    Mutant(
        bug="a late writer brings an old timer back",
        file="adapters/memory/upload_batches.py",
        old="if (known.number, known.timer_at) != (batch.number, batch.timer_at):",
        new="if known.number != batch.number:",
    ),
    Mutant(
        bug="a spare timer asks again for a batch that was skipped",
        file="triggers/batching.py",
        old="return None if is_spare else self._start(trigger, timer.number)",
        new="return self._start(trigger, timer.number)",
    ),
    Mutant(
        bug="sequencers are compared as numbers",
        file="domain/upload_batch.py",
        old="        return mine > others",
        new='        return int(self.sequencer or "0", 16) > int(other.sequencer or "0", 16)',
    ),
)
