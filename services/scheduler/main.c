// SPDX-License-Identifier: Apache-2.0
/* The scheduler: the fleet, and what runs on it when. Any number may run at once on one database.
 */
#include "services/scheduler/scheduler.h"

static const struct handler handlers[] = {
	/* the fleet */
	{MSG_DEVICE_LIST, on_device_list},
	{MSG_DEVICE_GET, on_device_get},
	{MSG_DEVICE_RESOLVE, on_device_resolve},
	{MSG_DEVICE_CREATE, on_device_create},
	{MSG_DEVICE_UPDATE, on_device_update},
	{MSG_DEVICE_SET_STATE, on_device_set_state},
	{MSG_DEVICE_REPIN, on_device_repin},
	{MSG_DEVICE_REPIN_APPROVE, on_device_repin_approve},
	{MSG_DEVICE_IMPORT, on_device_import},
	{MSG_CANDIDATE_LIST, on_candidate_list},
	{MSG_CANDIDATE_GET, on_candidate_get},
	{MSG_CANDIDATE_ENROL, on_candidate_enrol},
	{MSG_CANDIDATE_IGNORE, on_candidate_ignore},
	{MSG_CANDIDATE_REPORT, on_candidate_report},
	{MSG_SITE_LIST, on_site_list},
	{MSG_SITE_PUT, on_site_put},
	{MSG_SITE_DELETE, on_site_delete},
	{MSG_GROUP_LIST, on_group_list},
	{MSG_GROUP_GET, on_group_get},
	{MSG_GROUP_CREATE, on_group_create},
	{MSG_GROUP_UPDATE, on_group_update},
	{MSG_GROUP_DELETE, on_group_delete},
	{MSG_GROUP_CHANGE_MEMBERS, on_group_change_members},
	{MSG_GROUP_MEMBERS, on_group_members},
	{MSG_GROUP_PREVIEW, on_group_preview},
	{MSG_SCOPE_FIND, on_scope_find},
	{MSG_CREDENTIAL_LIST, on_credential_list},
	{MSG_CREDENTIAL_PUT, on_credential_put},
	{MSG_CREDENTIAL_SEEN, on_credential_seen},
	{MSG_CREDENTIAL_DELETE, on_credential_delete},
	/* tasks */
	{MSG_TASK_LIST, on_task_list},
	{MSG_TASK_GET, on_task_get},
	{MSG_TASK_CREATE, on_task_create},
	{MSG_TASK_UPDATE, on_task_update},
	{MSG_TASK_DELETE, on_task_delete},
	{MSG_TASK_NEXT, on_task_next},
	{MSG_SCHEDULE_PREVIEW, on_schedule_preview},
	{MSG_WINDOW_LIST, on_window_list},
	{MSG_WINDOW_GET, on_window_get},
	{MSG_WINDOW_CREATE, on_window_create},
	{MSG_WINDOW_UPDATE, on_window_update},
	{MSG_WINDOW_DELETE, on_window_delete},
	{MSG_WINDOW_WHEN, on_window_when},
	{MSG_DIST_SET_LIST, on_dist_set_list},
	{MSG_DIST_SET_GET, on_dist_set_get},
	{MSG_DIST_SET_CREATE, on_dist_set_create},
	{MSG_DIST_SET_UPDATE, on_dist_set_update},
	{MSG_DIST_SET_DELETE, on_dist_set_delete},
	/* runs and their targets */
	{MSG_RUN_START, on_run_start},
	{MSG_RUN_LIST, on_run_list},
	{MSG_RUN_GET, on_run_get},
	{MSG_RUN_CANCEL, on_run_cancel},
	{MSG_RUN_RERUN, on_run_rerun},
	{MSG_RUN_APPLY, on_run_apply},
	{MSG_RUN_CONFIRM, on_run_confirm},
	{MSG_RUN_REVERT, on_run_revert},
	{MSG_RUN_TARGETS, on_run_targets},
	{MSG_RUN_OUTCOMES, on_run_outcomes},
	{MSG_RUN_CHANGES, on_run_changes},
	{MSG_JOB_GET, on_job_get},
	{MSG_JOB_CANCEL, on_job_cancel},
	{MSG_JOB_TRANSITIONS, on_job_transitions},
	/* workers */
	{MSG_JOB_CLAIM, on_job_claim},
	{MSG_JOB_RENEW, on_job_renew},
	{MSG_JOB_ADVANCE, on_job_advance},
	{MSG_JOB_JOURNAL, on_job_journal},
	{MSG_JOB_RESULT, on_job_result},
	{MSG_JOB_GIVE_BACK, on_job_give_back},
	{MSG_WORKER_DIED, on_worker_died},
	{MSG_WORKER_LIST, on_worker_list},
	/* what is told */
	{MSG_OUTBOX_TAKE, on_outbox_take},
	{0, NULL},
};

static const struct service_def definition = {
	.name = "scheduler",
	.config = &scheduler_config_table,
	.settings = &scheduler.config,
	.handlers = handlers,
	.database = true,
	.start = scheduler_start,
	.guard = scope_guard,
};

int main(int argc, char **argv)
{
	return service_main(&definition, argc, argv);
}
