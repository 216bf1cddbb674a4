// SPDX-License-Identifier: Apache-2.0
/* vault_list: the vaults of the catalogue; of ours also what we see of it now. */
#include "services/storage/sql.h"

static void read_row(struct db_result *r, int row, struct m_vault *v)
{
	*v = (struct m_vault){.id = db_get_uuid(r, row, 0),
		.name = db_get_text(r, row, 1),
		.kind = db_get_text(r, row, 2),
		.role = db_get_text(r, row, 3),
		.state = db_get_text(r, row, 4),
		.placement = db_get_text(r, row, 5),
		.seen_at = db_get_time_ms(r, row, 7),
		.versions = (uint64_t)db_get_int(r, row, 8),
		.copied_at = db_get_time_ms(r, row, 9),
		.waiting = (uint64_t)db_get_int(r, row, 10),
		.bad = (uint64_t)db_get_int(r, row, 11),
		.cause = db_get_text(r, row, 12),
		.warning = db_get_text(r, row, 13),
		.path = db_get_text(r, row, 14),
		.account = db_get_text(r, row, 15),
		.pin = db_get_text(r, row, 16),
		.durability = db_get_text(r, row, 17),
		.passport = (uint64_t)db_get_int(r, row, 18),
		.passport_at = db_is_null(r, row, 19) ? 0 : db_get_time_ms(r, row, 19),
		.sender = db_get_text(r, row, 20),
		.recipients = db_get_text(r, row, 21),
		.needs_protocol = (uint64_t)db_get_int(r, row, 22),
		.has_protocol = (uint64_t)db_get_int(r, row, 23)};
	if (!uuid_eq(&v->id, &app.vault.id))
		return;
	v->path = app.config->vault_dir;
	v->bytes_free = app.free_bytes;
	v->warning = app.warning;
	if (app.passport.serial > v->passport) {
		v->passport = app.passport.serial;
		v->passport_at = (int64_t)app.passport.at_ms;
	}
	if (app.place_fault.code != 0) {
		v->state = "refused";
		v->warning = app.place_fault.detail;
		v->cause = app.place_fault.reason;
	}
}

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	size_t rows;
	struct m_vault *items = catalogue_items(call, r, f, sizeof(*items), &rows);
	(void)t;
	(void)n;
	if (items == NULL)
		return;
	for (size_t i = 0; i < rows; i++)
		read_row(r[0], (int)i, &items[i]);
	const struct m_vault_page page = {.items = items, .items_n = rows};
	call_reply(call, &page);
}

void on_vault_list(struct call *call)
{
	sql_vault_list(listed, call);
}
