// SPDX-License-Identifier: Apache-2.0
/* The sync service: which machines synchronise with each other natively, in what role and state.
 * It touches no device; the lock service learns from it what a device must not do meanwhile. Any
 * number may run at once on one database. */
#include "services/sync/sync.h"

static const struct handler handlers[] = {
	{MSG_SYNC_GROUP_LIST, on_sync_group_list},
	{MSG_SYNC_GROUP_GET, on_sync_group_get},
	{MSG_SYNC_GROUP_CREATE, on_sync_group_create},
	{MSG_SYNC_GROUP_UPDATE, on_sync_group_update},
	{MSG_SYNC_GROUP_DELETE, on_sync_group_delete},
	{MSG_SYNC_MEMBER_LIST, on_sync_member_list},
	{MSG_SYNC_MEMBER_PUT, on_sync_member_put},
	{MSG_SYNC_MEMBER_REMOVE, on_sync_member_remove},
	{0, NULL},
};

static const struct service_def definition = {
	.name = "sync",
	.config = &sync_config_table,
	.settings = &sync_service.config,
	.handlers = handlers,
	.guard = scope_guard,
	.database = true,
	.start = sync_start,
};

int main(int argc, char **argv)
{
	return service_main(&definition, argc, argv);
}
