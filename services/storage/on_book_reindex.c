// SPDX-License-Identifier: Apache-2.0
/* book_reindex: every device is forgotten and all its versions wait to be read again; or only
 * forgotten. Goes on in the background; interrupted, it is asked for once more. */
#include "services/storage/sql_book.h"

static struct sql_reindex reindex;
static bool under_way;
static uint64_t versions;

static void end(const struct fault *f)
{
	under_way = false;
	if (f != NULL)
		log_error(L("reading all books again was interrupted"), L_FAULT(f));
	else if (reindex.drop)
		log_info(L("index of books forgotten"));
	else
		log_info(L("all books wait to be read again"), L_INT("versions", versions));
	if (reindex.drop)
		index_sweep();
	index_kick();
}

static void next(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (f != NULL && !db_transient(f)) {
		end(f);
		return;
	}
	if (f == NULL) {
		if (db_is_null(r[0], 0, 0)) {
			end(NULL);
			return;
		}
		reindex.after = db_get_uuid(r[0], 0, 0);
		versions += (uint64_t)db_get_int(r[0], 0, 1);
		index_kick();
	}
	sql_book_reindex(&reindex, next);
}

void on_book_reindex(struct call *call)
{
	static const struct m_ok ok;
	const struct m_book_reindex *ask = call->body;
	if (!app.config->book_index && !ask->drop) {
		call_refuse(call, CN_UNSUPPORTED_OPERATION, "index_off",
			"the index of books is switched off (book_index)");
		return;
	}
	if (under_way) {
		call_refuse(call, CN_CONFLICT, "under_way", "this is being done");
		return;
	}
	under_way = true;
	versions = 0;
	reindex = (struct sql_reindex){.drop = ask->drop};
	sql_book_reindex(&reindex, next);
	call_reply(call, &ok);
}
