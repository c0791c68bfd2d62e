"""The settings of a function: those that are missing are all named."""

from __future__ import annotations

import pytest

from batchrelay.aws_lambda.settings import Settings
from batchrelay.domain.errors import BatchrelayError


def test_missing_settings_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHRELAY_TABLE", "t")
    with pytest.raises(BatchrelayError, match="BATCHRELAY_BUCKET, BATCHRELAY_TOPIC_ARN"):
        Settings.read()
    for name in ("BUCKET", "TOPIC_ARN", "PREPARE_QUEUE_URL", "TRIGGER_QUEUE_URL"):
        monkeypatch.setenv(f"BATCHRELAY_{name}", name)
    monkeypatch.setenv("BATCHRELAY_RUN_TTL_DAYS", "90")
    settings = Settings.read()
    assert settings.environment == {"bucket": "BUCKET", "topicArn": "TOPIC_ARN"}
