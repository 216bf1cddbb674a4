// SPDX-License-Identifier: Apache-2.0
/* carnet-storage: versions of printers' books and settings, sealed, in vaults.
 *
 * A worker opens a stream (store_begin), sends what the device gave (store_chunk) and commits
 * (store_commit). Storage names the content; if it is that of the newest version nothing is made.
 * Else it packs and seals each item, flushes, reads back from the medium, writes the manifest, and
 * makes the version exist in one transaction that checks the worker's lock. Any number of instances
 * share the vaults and the catalogue.
 *
 *     carnet-storage make-keys KEK_FILE SIGN_KEY_FILE      once, before the first start
 *     carnet-storage new-key, protect-key, retire-keys     README.md */
#include "services/storage/key_commands.h"
#include "services/storage/scope.h"
#include "services/storage/storage.h"

static const struct handler handlers[] = {
	{MSG_STORE_BEGIN, on_store_begin},
	{MSG_STORE_CHUNK, on_store_chunk},
	{MSG_STORE_COMMIT, on_store_commit},
	{MSG_STORE_ABORT, on_store_abort},
	{MSG_VERSION_LIST, on_version_list},
	{MSG_VERSION_GET, on_version_get},
	{MSG_VERSION_AT, on_version_at},
	{MSG_VERSION_VERIFY, on_version_verify},
	{MSG_VERSION_OPEN, on_version_open},
	{MSG_VERSION_READ, on_version_read},
	{MSG_VAULT_LIST, on_vault_list},
	{MSG_ERASE_LIST, on_erase_list},
	{MSG_ERASE_ASK, on_erase_ask},
	{MSG_ERASE_APPROVE, on_erase_approve},
	{MSG_VERSION_ENTRIES, on_version_entries},
	{MSG_VERSION_DIFF, on_version_diff},
	{MSG_ENTRY_SEARCH, on_entry_search},
	{MSG_BOOK_REINDEX, on_book_reindex},
	{MSG_DESTINATION_IMPORT, on_destination_import},
	{MSG_DESTINATION_LIST, on_destination_list},
	{MSG_DIST_BOOK_SAVE, on_dist_book_save},
	{MSG_DIST_BOOK_LIST, on_dist_book_list},
	{MSG_DIST_BOOK_GET, on_dist_book_get},
	{MSG_RETENTION_LIST, on_retention_list},
	{MSG_RETENTION_PUT, on_retention_put},
	{MSG_RETENTION_PLAN, on_retention_plan},
	{MSG_PRUNE, on_prune},
	{MSG_VERSION_PROTECT, on_version_protect},
	{MSG_VERSION_UNPROTECT, on_version_unprotect},
	{MSG_VERSION_UNDO, on_version_undo},
	{MSG_FILE_DELETE, on_file_delete},
	{MSG_QUOTA_GET, on_quota_get},
	{MSG_QUOTA_PUT, on_quota_put},
	{MSG_DRILL_LIST, on_drill_list},
	{MSG_VAULT_ADD, on_vault_add},
	{MSG_VAULT_KEY, on_vault_key},
	{MSG_VAULT_RETIRE, on_vault_retire},
	{MSG_VAULT_CANDIDATES, on_vault_candidates},
	{MSG_VERSION_MAIL, on_version_mail},
	{MSG_MAIL_LIST, on_mail_list},
	{MSG_NOTICE_MAIL, on_notice_mail},
	{MSG_VERSION_COPIES, on_version_copies},
	{0, NULL},
};

static struct storage_config settings;

static const struct service_def STORAGE = {
	.name = "storage",
	.config = &storage_config_table,
	.settings = &settings,
	.handlers = handlers,
	.database = true,
	.start = keeper_start,
	.ready = keeper_ready,
	.guard = scope_guard,
};

int main(int argc, char **argv)
{
	int done = key_command(argc, argv);
	if (done >= 0)
		return done;
	return service_main(&STORAGE, argc, argv);
}
