"""The bugs in who may use the local cloud; each is judged by the tests of that rule."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="every event of every child is written for the rule of blocked queues",
        file="local/batchrelay_local/event_patterns.py",
        old='        and _may_be(pattern.get("detail-type"), "Batch Job State Change")\n',
        new="",
        tests=("tests/unit/local_cloud/test_event_patterns.py",),
    ),
    Mutant(
        bug="a request with a wrong signature passes",
        file="batch-local/batch_local/http/signatures.py",
        old="        signature = signer.sign(self._canonical(request), self.timestamp)",
        new="        signature = self.signature",
        tests=("batch-local/tests/test_signatures.py",),
    ),
    Mutant(
        bug="a body that was changed after it was signed passes",
        file="batch-local/batch_local/http/signatures.py",
        old="    if declared != body_hash:",
        new="    if False:",
        tests=("batch-local/tests/test_signatures.py",),
    ),
    Mutant(
        bug="a header that was added after signing passes",
        file="batch-local/batch_local/http/signatures.py",
        old="and name not in signature.signed_headers",
        new="and False",
        tests=("batch-local/tests/test_signatures.py",),
    ),
    Mutant(
        bug="a presigned URL never expires",
        file="batch-local/batch_local/http/signatures.py",
        old="    if signed_at + (lifetime or SKEW_MAX) < now:",
        new="    if False:",
        tests=("batch-local/tests/test_signatures.py",),
    ),
    Mutant(
        bug="a name that is rebound to loopback passes",
        file="batch-local/batch_local/http/access.py",
        old='    return name in _LOOPBACK or name.endswith(".localhost")',
        new="    return bool(name)",
        tests=("tests/unit/local_cloud/test_access_rules.py",),
    ),
    Mutant(
        bug="a page of another site passes",
        file="batch-local/batch_local/http/access.py",
        old="        if origin and origin != f\"http://{request.headers['host']}\":",
        new="        if False:",
        tests=("tests/unit/local_cloud/test_access_rules.py",),
    ),
    Mutant(
        bug="every page may read what the local cloud answers",
        file="batch-local/batch_local/http/access.py",
        old='                    if not name.lower().startswith(b"access-control-")',
        new="                    if name",
        tests=("tests/unit/local_cloud/test_access_rules.py",),
    ),
    Mutant(
        bug="the emulator's own routes are open",
        file="local/batchrelay_local/reach.py",
        old="        if path.startswith(_ADMIN):",
        new="        if False:",
        tests=("tests/unit/local_cloud/test_access_rules.py",),
    ),
    Mutant(
        bug="the memory of a job is that of its first process",
        file="batch-local/batch_local/processes/memory.py",
        old="        if root in sizes:\n",
        new="        if root in sizes and pid in roots:\n",
        tests=("batch-local/tests/test_faults.py",),
    ),
    Mutant(
        bug="an image that has a tag finds no stand-in by its name",
        file="batch-local/batch_local/images.py",
        old="        names = (image, without_tag(image))",
        new="        names = (image,)",
        tests=("batch-local/tests/test_images.py",),
    ),
    Mutant(
        bug="DescribeJobs answers the entry point with the command",
        file="batch-local/batch_local/details/containers.py",
        old='        "command": list(spec.command),',
        new='        "command": list(spec.words),',
        tests=("batch-local/tests/test_images.py",),
    ),
    Mutant(
        bug="a receiver of events that was away misses what it was sent",
        file="batch-local/batch_local/receivers/delivery.py",
        old="            events = outcome.again\n",
        new="            events = ()\n",
        tests=("batch-local/tests/test_receivers.py",),
    ),
    Mutant(
        bug="any number of events waits for a receiver that is slow",
        file="batch-local/batch_local/receivers/delivery.py",
        old="            self._waiting.extend(events[:space])",
        new="            self._waiting.extend(events)",
        tests=("batch-local/tests/test_receivers.py",),
    ),
    Mutant(
        bug="a function that brings its own boto3 gets that of the cloud",
        file="local/batchrelay_local/lambda_runtime.py",
        old="    return not imported.isdisjoint(names)",
        new="    return False",
        tests=("tests/functional/local_cloud/test_forked_processes.py",),
    ),
    Mutant(
        bug="a layer's own boto3 is not looked for where pip puts it",
        file="local/batchrelay_local/lambda_runtime.py",
        old='        yield from layer.glob("python/lib/*/site-packages")\n',
        new="",
        tests=("tests/functional/local_cloud/test_forked_processes.py",),
    ),
    Mutant(
        bug="a worker sees variables that are not its function's",
        file="local/batchrelay_local/lambda_runtime.py",
        old="    os.environ.clear()\n",
        new="",
        tests=("tests/functional/local_cloud/test_forked_processes.py",),
    ),
)
