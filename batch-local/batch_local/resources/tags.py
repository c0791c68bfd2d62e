"""Tags, as AWS takes them. Source: TagResource; TagrisTagsMap, TagKey, TagValue."""

from __future__ import annotations

from collections.abc import Mapping

from batch_local.errors import ClientException

TAGS_MAX = 50
"""Tags of one resource; of a job's task together with those of its definition."""

DIRECTORY_TAG = "batchrelay:directory"
"""Tag of a job definition: where its processes start on this machine, as WORKDIR in an image."""

PROGRAMS_TAG = "batchrelay:programs"
"""Tag of a job definition: a folder of this machine that stands before PATH in its jobs."""

_OF_THIS_MACHINE = (DIRECTORY_TAG, PROGRAMS_TAG)

KEY_CHARS_MAX, VALUE_CHARS_MAX = 128, 256


def of_aws(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that AWS would be given too: no limit counts the others."""
    return {key: value for key, value in tags.items() if key not in _OF_THIS_MACHINE}


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """A copy of tags that AWS would take. Raises: ClientException."""
    count = len(of_aws(tags))
    if count > TAGS_MAX:
        raise ClientException(f"A resource can have at most {TAGS_MAX} tags, got {count}")
    for key, value in tags.items():
        if not 1 <= len(key) <= KEY_CHARS_MAX or key.lower().startswith("aws:"):
            raise ClientException(
                f"The tag key {key[:200]!r} must have 1 to {KEY_CHARS_MAX} characters and must not "
                "begin with aws:"
            )
        if len(value) > VALUE_CHARS_MAX and key not in _OF_THIS_MACHINE:
            raise ClientException(
                f"The value of the tag {key!r} must have at most {VALUE_CHARS_MAX} characters"
            )
    return dict(tags)
