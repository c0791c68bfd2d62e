"""Whether a request changes a job definition of the account in the form that its kind has.

The containers of a definition in the file are known when that is read; of others only now.
"""

from __future__ import annotations

import json

from batchrelay.domain.containers import FORMS, ONE_CONTAINER
from batchrelay_cli.pipeline_file.definition_containers import FORM_OF_KIND, kind_of, places_of
from batchrelay_cli.stack.preflight.uses import Use


def form_problem(use: Use) -> str | None:
    """Why our variables would not reach its containers, or AWS Batch would refuse the request."""
    kind = kind_of(use.definition)
    if kind is None:
        return None
    form = FORM_OF_KIND[kind]
    others = [other for other in FORMS if other in use.request and other != form]
    if others:
        return f"job definition {use.name} has {kind}, and takes no {others[0]}: write {form}"
    if form != ONE_CONTAINER and form not in use.request:
        text = json.dumps(places_of(use.definition), ensure_ascii=False)
        return (
            f"job definition {use.name} has {kind}: name its containers, so that the variables of "
            f"a job reach them: {text[1:-1]}"
        )
    if kind == "eksProperties" and "propagateTags" in use.request:
        return "AWS Batch refuses propagateTags on EKS, where a pod has labels: leave it out"
    return None
