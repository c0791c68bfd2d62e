"""Tags, as AWS takes them. Source: TagResource; TagrisTagsMap, TagKey, TagValue."""

from __future__ import annotations

from collections.abc import Mapping

from batchrelay_local.batch.errors import ClientError

TAGS_MAX = 50
"""Tags of one resource; of a job's task together with those of its definition."""

DIRECTORY_TAG = "batchrelay:directory"
"""Tag of a job definition: where its processes start on this machine, as WORKDIR in an image."""

PROGRAMS_TAG = "batchrelay:programs"
"""Tag of a job definition: a folder of this machine that stands before PATH in its jobs."""

KEY_CHARS_MAX, VALUE_CHARS_MAX = 128, 256


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """A copy of tags that AWS would take. Raises: ClientError."""
    if len(tags) > TAGS_MAX:
        raise ClientError(f"A resource can have at most {TAGS_MAX} tags, got {len(tags)}")
    for key, value in tags.items():
        if not 1 <= len(key) <= KEY_CHARS_MAX or key.lower().startswith("aws:"):
            raise ClientError(
                f"The tag key {key[:200]!r} must have 1 to {KEY_CHARS_MAX} characters and must not "
                "begin with aws:"
            )
        is_path = key in (DIRECTORY_TAG, PROGRAMS_TAG)  # AWS never sees them
        if len(value) > VALUE_CHARS_MAX and not is_path:
            raise ClientError(
                f"The value of the tag {key!r} must have at most {VALUE_CHARS_MAX} characters"
            )
    return dict(tags)
