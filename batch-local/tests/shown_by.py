"""By which test each honoured field of a request is shown to have its effect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase

from repository import ROOT

IN_ENGINE = "test_engine_requests.py::test_every_field_of_a_container_reaches_the_engine"
"""Of those that are honoured where an engine runs the containers."""

_FOLDERS = ("batch-local/tests", "tests/functional/local_cloud")

_FIELDS = """
test_queues.py::test_a_listing_has_pages
    *.maxResults *.nextToken
test_batch.py::test_jobs_are_found_by_name_newest_first_whatever_the_case
    ListJobs.jobQueue ListJobs.filters*
test_batch.py::test_children_are_listed_by_status
    ListJobs.arrayJobId ListJobs.jobStatus
test_nodes.py::test_nodes_are_listed_by_their_status
    ListJobs.multiNodeJobId
test_consumables.py::test_the_jobs_of_a_resource_are_listed
    ListJobsByConsumableResource.*
test_consumables.py::test_the_operations_answer_in_awss_shapes
    *ConsumableResource.* ListConsumableResources.*
test_consumables.py::test_a_request_overrides_a_definition_resource_by_resource
    *.consumableResourceProperties* *.consumableResourcePropertiesOverride*
test_scheduler.py::test_slots_are_vcpus_and_the_queue_is_first_in_first_out
    *.computeResources.maxvCpus
test_queues.py::test_an_environment_is_given_back_as_it_was_created
    *ComputeEnvironment*.*
test_queues.py::test_jobs_run_in_the_environment_of_the_lowest_order
    CreateJobQueue.computeEnvironmentOrder*
test_queues.py::test_a_queue_is_moved_to_another_environment_while_a_job_runs
    UpdateJobQueue.computeEnvironmentOrder*
test_scheduler.py::test_the_queue_of_higher_priority_is_served_first
    *JobQueue.priority
test_queues.py::test_a_policy_lives_until_no_queue_has_it
    *.schedulingPolicyArn *SchedulingPolic*.*
test_scheduler.py::test_a_head_that_will_never_fit_is_reported_once
    GetJobQueueSnapshot.jobQueue
test_queues.py::test_a_queue_is_given_back_as_it_was_created
    *JobQueue*.*
test_scheduler.py::test_a_retried_job_goes_to_the_front_and_no_failure_is_seen_between_attempts
    *.retryStrategy *.retryStrategy.attempts
test_scheduler.py::test_the_first_rule_that_matches_decides
    *.retryStrategy.evaluateOnExit*
test_scheduler.py::test_a_timeout_of_two_hours_is_final_and_ends_with_a_kill
    *.timeout *.timeout.attemptDurationSeconds
test_submission.py::test_tags_of_job_and_definition_together_are_at_most_fifty
    *.propagateTags SubmitJob.tags
test_batch.py::test_parameters_replace_references
    *.parameters
test_submission.py::test_the_priority_of_a_definition_holds_unless_it_is_overridden
    *.schedulingPriority *.schedulingPriorityOverride
test_submission.py::test_a_share_is_for_a_queue_with_a_policy
    SubmitJob.shareIdentifier
test_scheduler.py::test_a_parent_is_pending_until_all_children_ended_and_siblings_go_on
    SubmitJob.arrayProperties*
test_scheduler.py::test_n_to_n_part_i_flows_as_soon_as_child_i_ended
    SubmitJob.dependsOn*
test_batch.py::test_definitions_have_revisions
    *.jobDefinition *.jobDefinitionName DescribeJobDefinitions.*
test_registration.py::test_a_job_of_fargate_says_so
    *.platformCapabilities
test_registration.py::test_a_bad_definition_is_refused_and_not_registered
    RegisterJobDefinition.type
test_registration.py::test_a_definition_is_given_back_as_it_was_registered
    RegisterJobDefinition.tags
test_nodes.py::test_a_node_may_have_several_containers
    RegisterJobDefinition.nodeProperties.*.ecsProperties*
test_pods.py::test_nodes_may_be_pods
    RegisterJobDefinition.nodeProperties.*.eksProperties*
test_nodes.py::test_a_request_changes_the_number_and_the_ranges_of_nodes
    SubmitJob.nodeOverrides*
test_nodes.py::test_the_main_node_ends_the_others_and_decides
    RegisterJobDefinition.nodeProperties*
test_tasks.py::test_a_container_waits_for_the_good_end_of_another
    *.ecsProperties*.dependsOn*
test_tasks.py::test_an_essential_container_ends_the_others_and_decides
    *.ecsProperties*.essential
test_tasks.py::test_a_job_asks_for_what_its_containers_ask_for_together
    *.ecsProperties*.resourceRequirements*
test_tasks.py::test_variables_and_the_index_reach_every_container
    *.ecsProperties* *.ecsPropertiesOverride*
test_pods.py::test_a_pod_asks_for_its_containers_or_for_what_begins_first
    *.eksProperties*.resources*
test_pods.py::test_a_request_changes_containers_by_name
    *.eksPropertiesOverride*
test_pods.py::test_containers_that_begin_first_run_one_after_the_other
    *.eksProperties*
test_batch.py::test_each_job_has_its_own_log_whatever_ran_before_it
    *.logConfiguration*
test_submission.py::test_deprecated_overrides_override_deprecated_fields_only
    *.vcpus *.memory *.resourceRequirements*
test_batch.py::test_a_job_is_given_what_aws_batch_gives
    *.environment* *.containerProperties *.containerOverrides *.command SubmitJob.jobName
    SubmitJob.jobQueue
test_scheduler.py::test_cancelling_does_nothing_to_what_runs
    CancelJob.* CancelJobs.*
test_batch.py::test_a_terminated_job_and_its_children_are_gone
    TerminateJob.* TerminateJobs.*
test_surface.py::test_every_field_that_is_taken_was_sent
    DescribeJobs.* *Resource.*
"""
"""Tests, and patterns of fields, without the brackets of lists; the first that matches."""


def shown_by(path: str) -> str | None:
    """The test of a field of a request."""
    plain = path.replace("[]", "")
    return next((test for pattern, test in _patterns() if fnmatchcase(plain, pattern)), None)


def named_tests() -> set[str]:
    """Those of the table."""
    return {test for _, test in _patterns()}


def existing_tests() -> Iterator[str]:
    """Of the files that the table may name."""
    for folder in _FOLDERS:
        for file in (ROOT / folder).glob("test_*.py"):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.FunctionDef):
                    yield f"{file.name}::{node.name}"


def _patterns() -> Iterator[tuple[str, str]]:
    test = ""
    for line in _FIELDS.strip().splitlines():
        if line.startswith("test_"):
            test = line
        else:
            yield from ((pattern, test) for pattern in line.split())
