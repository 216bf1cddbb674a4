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
	{MSG_WEBHOOK_LIST, on_webhook_list},
	{MSG_WEBHOOK_CREATE, on_webhook_create},
	{MSG_WEBHOOK_UPDATE, on_webhook_update},
	{MSG_WEBHOOK_DELETE, on_webhook_delete},
	{MSG_WEBHOOK_ROTATE, on_webhook_rotate},
	{MSG_SUBSCRIPTION_LIST, on_subscription_list},
	{MSG_SUBSCRIPTION_CREATE, on_subscription_create},
	{MSG_SUBSCRIPTION_UPDATE, on_subscription_update},
	{MSG_SUBSCRIPTION_DELETE, on_subscription_delete},
	{MSG_SUBSCRIPTION_TEST, on_subscription_test},
	{MSG_DEAD_LETTER_LIST, on_dead_letter_list},
	{MSG_DEAD_LETTER_REPLAY, on_dead_letter_replay},
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
