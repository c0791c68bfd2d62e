"""A cloud whose parts are not installed is refused with the command that installs them."""

from __future__ import annotations

import pytest

from batchrelay_local.launch import CloudError, check_installed


def test_every_missing_module_is_named_with_the_command() -> None:
    with pytest.raises(CloudError) as caught:
        check_installed(["json", "no_such_module", "nor_this_one"])
    assert str(caught.value) == (
        "the local cloud is not installed (missing: no_such_module, nor_this_one): "
        "pip install 'batchrelay[local]'"
    )


def test_what_is_installed_is_not_refused() -> None:
    check_installed(["json"])
    check_installed()
