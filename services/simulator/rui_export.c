// SPDX-License-Identifier: Apache-2.0
/* Exports of the Remote UI: address lists (devices.md 4.2), and device setting values of types II
 * and III, which are simulated only. */
#include <stdlib.h>
#include <string.h>

#include "common/exchange/item.h"
#include "services/simulator/rui.h"
#include "services/simulator/settings.h"

enum { PASSWORD_MIN = 4, PASSWORD_MAX = 32 };

static void refuse_export(const struct visit *v, const char *what, const char *item,
	const char *result, const char *text)
{
	enum op op = strcmp(result, "device_busy") == 0 ? op_blocking(v->d) : OP_NONE;
	bool own = strcmp(result, "device_busy") == 0 && op == OP_NONE;

	v->d->sim->stats.exports_refused++;
	v->d->sim->stats.exports_busy += op != OP_NONE;
	v->d->sim->stats.export_overlaps += own;
	rui_note(v, what, item, result, own ? OP_INDIV_IE : op, own);
	rui_error_page(v, text);
}

/* The reason why no export may start now, NULL = it may. */
static const char *reason_against(const struct device *d, uint32_t items)
{
	if (d->traits & TRAIT_RESTRICTED)
		return "receive_restricted";
	for (int i = 0; i < ITEMS; i++)
		if (items & 1u << i && !book_has(d, (enum item)i))
			return "not_available";
	if (op_blocking(d) != OP_NONE || d->exporting > 0)
		return "device_busy";
	return items ? NULL : "not_available";
}

static const char *text_of(const struct device *d, const char *reason)
{
	const char *name = strcmp(reason, "device_busy") == 0 ? "busy" : reason;
	const char *text = profile_text(d->sim->profile, name, d->language);

	return text;
}

static void export(const struct visit *v, const char *what, uint32_t items, const char *password)
{
	struct device *d = v->d;
	const char *item = items ? item_name((enum item)__builtin_ctz(items)) : "";
	const char *reason = reason_against(d, items);

	d->sim->stats.exports++;
	if (reason) {
		refuse_export(v, what, item, reason,
			arena_printf(http_arena(v->r), "error: %s", text_of(d, reason)));
		return;
	}
	rui_note(v, what, item, "ok", OP_NONE, false);
	answer_export(d, v->r, v->session->id, items, d->passwords_open, password);
}

void rui_on_abook(struct visit *v)
{
	unsigned long aid = strtoul(rui_form(v, "AID"), NULL, 10);

	if (v->d->model->type != TYPE_I) {
		rui_note(v, "export", NULL, "unsupported_device", OP_NONE, false);
		rui_page(v, v->d->latency.page, 404, "Not Found");
	} else if (!rui_has_session(v)) {
		rui_note(v, "export", NULL, "session_lost", OP_NONE, false);
		rui_lost_page(v);
	} else {
		export(v, "export", aid >= 1 && aid <= 11 ? 1u << (aid - 1) : 0, NULL);
	}
}

static bool good_password(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return n >= PASSWORD_MIN && n <= PASSWORD_MAX;
}

/* "coded_dial,favorites"; 0 when one of them is unknown. */
static uint32_t parse_items(const struct visit *v)
{
	uint32_t items = 0;
	char *save = NULL;

	for (char *s = strtok_r(arena_strdup(http_arena(v->r), rui_form(v, "ITEM")), ",", &save); s;
		s = strtok_r(NULL, ",", &save)) {
		int item = item_find(s);
		if (item < 0)
			return 0;
		items |= 1u << item;
	}
	return items;
}

void rui_on_dsv(struct visit *v)
{
	const char *password = rui_form(v, "PASSWD");

	if (v->d->model->type != TYPE_II && v->d->model->type != TYPE_III) {
		rui_note(v, "dsv_export", NULL, "unsupported_device", OP_NONE, false);
		rui_page(v, v->d->latency.page, 404, "Not Found");
	} else if (!rui_has_session(v)) {
		rui_note(v, "dsv_export", NULL, "session_lost", OP_NONE, false);
		rui_lost_page(v);
	} else if (!good_password(password)) {
		rui_note(v, "dsv_export", NULL, "wrong_password", OP_NONE, false);
		rui_error_page(v, "error: the encryption password has 4 to 32 characters");
	} else {
		export(v, "dsv_export", parse_items(v), password);
	}
}

/* The id as it stands in the table: a text that lives for ever. */
static const char *setting_of(const char *name)
{
	static const char *const ops[] = {"batch_ie", "indiv_ie"};
	size_t n = 0;

	for (size_t k = 0; k < array_len(ops); k++) {
		const char *const *ids = exchange_items(ops[k], &n);
		for (size_t i = 0; i < n; i++)
			if (strcmp(ids[i], name) == 0)
				return ids[i];
	}
	return NULL;
}

void rui_on_setting(struct visit *v)
{
	struct device *d = v->d;
	const char *id = setting_of(rui_form(v, "ITEM")), *password = rui_form(v, "PASSWD");
	const char *reason = reason_against(d, 1u << ITEM_ONE_TOUCH);

	if (!rui_has_session(v)) {
		rui_note(v, "export", id, "session_lost", OP_NONE, false);
		rui_lost_page(v);
		return;
	}
	d->sim->stats.exports++;
	if (!id || !setting_offered(d, id))
		reason = "not_available";
	if (reason) {
		refuse_export(v, "export", id, reason,
			arena_printf(http_arena(v->r), "error: %s", text_of(d, reason)));
	} else if (setting_is_batch(id) && !good_password(password)) {
		rui_note(v, "export", id, "wrong_password", OP_NONE, false);
		rui_error_page(v, "error: the password has 4 to 32 characters");
	} else {
		rui_note(v, "export", id, "ok", OP_NONE, false);
		answer_setting(d, v->r, v->session->id, id, setting_is_batch(id) ? password : "");
	}
}

/* Restrict Receiving for Each Function > Address Book: off from the next restart on. */
void rui_on_restrict(struct visit *v)
{
	struct device *d = v->d;

	if (!rui_has_session(v)) {
		rui_note(v, "restrict", NULL, "session_lost", OP_NONE, false);
		rui_lost_page(v);
		return;
	}
	d->lift_asked = strcmp(rui_form(v, "RESTRICT_ADDRESS_BOOK"), "0") == 0;
	rui_note(v, "restrict", d->lift_asked ? "0" : "1", "ok", OP_NONE, false);
	rui_page(v, d->latency.page, 200, "<!-- VARIE_BOX_ALL_SETTING -->");
}
