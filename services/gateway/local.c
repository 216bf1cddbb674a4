// SPDX-License-Identifier: Apache-2.0
/* Which requests the gateway answers itself. */
#include "services/gateway/gateway.h"

static const struct {
	uint16_t id;
	local_fn fn;
} table[] = {
	{MSG_SETUP, on_setup},
	{MSG_LOGIN, on_login},
	{MSG_LOGOUT, on_logout},
	{MSG_WHOAMI, on_whoami},
	{MSG_USER_LIST, on_user_list},
	{MSG_USER_CREATE, on_user_create},
	{MSG_USER_UPDATE, on_user_update},
	{MSG_TOKEN_LIST, on_token_list},
	{MSG_TOKEN_CREATE, on_token_create},
	{MSG_TOKEN_UPDATE, on_token_update},
	{MSG_TOKEN_DELETE, on_token_delete},
	{MSG_AUDIT_LIST, on_audit_list},
	{MSG_AUDIT_VERIFY, on_audit_verify},
	{MSG_STATUS, on_status},
	{MSG_EXPLAIN, on_explain},
	{MSG_LOCK_DECLARE, on_lock_declare},
	{MSG_LOCK_ASK, on_lock_ask},
	{MSG_LOCK_LOOK, on_lock_look},
	{MSG_LOCK_SHOW, on_lock_show},
	{MSG_LOCK_KEEP, on_lock_keep},
	{MSG_LOCK_GIVE_BACK, on_lock_give_back},
	{MSG_LOCK_LEAVE, on_lock_leave},
};

local_fn local_find(uint16_t id)
{
	for (size_t i = 0; i < array_len(table); i++)
		if (table[i].id == id)
			return table[i].fn;
	bug_if(true);
	return NULL;
}
