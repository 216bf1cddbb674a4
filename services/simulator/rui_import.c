// SPDX-License-Identifier: Apache-2.0
/* The way to an import and the import's form. Where pages and forms live is not public (devices.md
 * 4.3): here their addresses are different on each device, so that nobody can know them by heart.
 */
#include <stdlib.h>
#include <string.h>

#include "common/exchange/item.h"
#include "services/simulator/multipart.h"
#include "services/simulator/rui.h"
#include "services/simulator/settings.h"

/* Pages in the order of the menu. */
enum place {
	PLACE_DATA,
	PLACE_INDIVIDUAL,
	PLACE_LISTS,
	PLACE_FORM,
	PLACE_ACTION,
	PLACE_SETTING, /* of one individual item, or of all items at once */
	PLACE_SETTING_FORM,
	PLACE_SETTING_ACTION,
	PLACES
};

static const char *address(const struct visit *v, enum place place)
{
	struct rng r = rng_of(v->d->sim->fleet.seed, v->d->index, RNG_MENU);

	return arena_printf(http_arena(v->r), "/rps/c%08x_%d.cgi",
		(unsigned)(rng_next(&r) & 0xffffffff), (int)place);
}

static const char *text(const struct visit *v, const char *name)
{
	return profile_text(v->d->sim->profile, name, v->d->language);
}

static bool by_lists(const struct visit *v)
{
	return v->d->model->type == TYPE_I;
}

/* relative, as the machine writes them */
static const char *link_with(const struct visit *v, enum place place, const char *words)
{
	return arena_printf(http_arena(v->r), "<li><a href=\".%s?Dummy=1&amp;T=%u\">%s</a></li>",
		address(v, place) + strlen("/rps"), v->d->index, words);
}

static const char *link_to(const struct visit *v, enum place place, const char *name)
{
	return link_with(v, place, text(v, name));
}

const char *rui_menu_link(const struct visit *v)
{
	return v->d->model->type == TYPE_NONE ? "" : link_to(v, PLACE_DATA, "menu_data");
}

/* ---- the form ---- */

static void option(
	struct buf *out, const struct visit *v, const char *control, int value, const char *name)
{
	buf_addf(out, "<input type=\"radio\" name=\"%s\" value=\"%d\"><label>%s</label>\r\n",
		control, value, text(v, name));
}

static void list_fields(struct buf *out, const struct visit *v)
{
	buf_adds(out, "<select name=\"AID\">");
	for (int i = 0; i <= ITEM_ONE_TOUCH; i++)
		if (book_has(v->d, (enum item)i))
			buf_addf(out, "<option value=\"%d\">%s</option>", i + 1,
				item_name((enum item)i));
	buf_adds(out, "</select>\r\n");
	option(out, v, "AMOD", 1, "mode_append");
	option(out, v, "AMOD", 2, "mode_erase");
	option(out, v, "AMOD", 3, "mode_overwrite");
	buf_adds(out, "<select name=\"ACLS3\"><option value=\"1\">*.abk</option>"
		      "<option value=\"2\">*.ldif</option><option value=\"3\">*.csv</option>"
		      "</select>\r\n<input type=\"file\" name=\"AFILE\">\r\n");
	option(out, v, "ENC_MODE_D", 0, "decrypt_no");
	option(out, v, "ENC_MODE_D", 1, "decrypt_yes");
}

static void show_form(const struct visit *v, enum place action)
{
	struct buf b = BUF_INIT;

	buf_addf(&b,
		"<form name=\"imp\" method=\"post\" enctype=\"multipart/form-data\" "
		"action=\".%s\" onsubmit=\"return confirm('?')\">\r\n"
		"<input type=\"hidden\" name=\"Token\" value=\"%u\">"
		"<input type=\"hidden\" name=\"Flag\" value=\"Exec_Data\">\r\n",
		address(v, action) + strlen("/rps"), ++canon_of(v->d)->token);
	if (action == PLACE_ACTION && by_lists(v))
		list_fields(&b, v);
	else
		buf_adds(&b, "<input type=\"file\" name=\"IFILE\"><input type=\"password\" "
			     "name=\"PASSWD\">\r\n");
	buf_adds(&b, "<input type=\"submit\" value=\"OK\"></form>");
	const char *page = arena_strdup(http_arena(v->r), buf_str(&b));
	buf_fini(&b);
	bug_if(!page);
	rui_page(v, v->d->latency.page, 200, page);
}

/* ---- what came ---- */

static struct span part(const struct visit *v, const char *name)
{
	struct span s = {.n = 0};

	(void)multipart_part(http_body(v->r), http_req_header(v->r, "Content-Type"), name, &s);
	return s;
}

static const char *word(const struct visit *v, const char *name)
{
	struct span s = part(v, name);
	const char *w = arena_strndup(http_arena(v->r), s.n ? (const char *)s.p : "", s.n);

	bug_if(!w);
	return w;
}

static long number(const struct visit *v, const char *name)
{
	const char *w = word(v, name);

	return *w ? strtol(w, NULL, 10) : -1;
}

static void refuse(
	const struct visit *v, const char *item, const char *result, enum op op, bool own)
{
	const char *name = strcmp(result, "device_busy") == 0 ? "busy" : result;

	v->d->sim->stats.imports_refused++;
	v->d->sim->stats.imports_busy += op != OP_NONE;
	v->d->sim->stats.export_overlaps += own;
	rui_note(v, "import", item, result, own ? OP_INDIV_IE : op, own);
	rui_error_page(v, arena_printf(http_arena(v->r), "error: %s", text(v, name)));
}

/* The device says no to any import now. */
static bool refused(const struct visit *v, uint32_t items)
{
	const char *item = items ? item_name((enum item)__builtin_ctz(items)) : "";
	enum op op = op_blocking(v->d);

	if (v->d->traits & TRAIT_RESTRICTED)
		refuse(v, item, "receive_restricted", OP_NONE, false);
	else if (!items)
		refuse(v, item, "not_available", OP_NONE, false);
	else if (op != OP_NONE || v->d->exporting > 0)
		refuse(v, item, "device_busy", op, op == OP_NONE);
	else
		return false;
	return true;
}

/* Places that the other lists leave. */
static size_t room_for(const struct visit *v, enum item item)
{
	struct canon_limits limits = canon_limits(v->d);
	size_t used = 0, all = item == ITEM_ONE_TOUCH ? limits.one_touch : limits.entries;

	for (int i = 0; i <= ITEM_LIST_10 && item <= ITEM_LIST_10; i++) {
		if (i == (int)item || !book_has(v->d, (enum item)i))
			continue;
		struct sim_list *l = book_get(v->d, (enum item)i);
		used += l->n;
		book_put_back(v->d, (enum item)i, l);
	}
	return all == 0 ? SIZE_MAX : all > used ? all - used : 0;
}

/* false = no list at all. */
static bool read_into(
	const struct visit *v, struct import_order *order, enum item item, struct span file)
{
	struct read_report report;

	order->lists[item] = book_read(v->d, item, file, room_for(v, item), &report);
	if (!order->lists[item])
		return false;
	order->items |= 1u << item;
	order->dropped += (uint32_t)(report.dropped + report.groups);
	order->cut += (uint32_t)(report.cut + report.blanked);
	order->torn = order->torn || report.torn;
	return true;
}

/* Appending doubles equal names (H5): the old entries, then the file's. */
static void append(const struct visit *v, struct import_order *order, enum item item)
{
	struct sim_list *old = book_get(v->d, item), *add = order->lists[item];
	struct sim_list *both = sim_list_new(old->n + add->n);
	uint32_t next = 201;

	both->name = arena_strdup(&both->arena, old->name);
	for (size_t i = 0; i < old->n + add->n; i++) {
		struct entry *e = &both->entries[i];
		*e = i < old->n ? old->entries[i] : add->entries[i - old->n];
		sim_list_copy_entry(both, e);
		if (i >= old->n)
			e->number = next;
		next = e->number >= next ? e->number + 1 : next;
	}
	both->n = old->n + add->n;
	book_put_back(v->d, item, old);
	sim_list_free(add);
	order->lists[item] = both;
}

static void import_list(const struct visit *v, struct import_order *order)
{
	long aid = number(v, "AID"), mode = number(v, "AMOD");
	enum item item = aid >= 1 && aid <= 11 ? (enum item)(aid - 1) : ITEM_LIST_1;
	bool there = aid >= 1 && aid <= 11 && book_has(v->d, item);

	if (refused(v, there ? 1u << item : 0))
		return;
	if (mode < 1 || mode > 2 || (mode == 1 && item == ITEM_ONE_TOUCH) ||
		number(v, "ACLS3") != 1 || number(v, "ENC_MODE_D") != 0 ||
		!read_into(v, order, item, part(v, "AFILE"))) {
		refuse(v, item_name(item), "bad_file", OP_NONE, false);
		return;
	}
	if (mode == 1)
		append(v, order, item);
	import_begin(v->d, order);
}

/* Device setting values: each of the file's items is replaced. */
static void import_values(const struct visit *v, struct import_order *order)
{
	const char *password = word(v, "PASSWD");
	struct buf plain = BUF_INIT;
	struct span file;
	enum item item;
	size_t at = 0;

	if (refused(v, 1u << (v->d->model->type == TYPE_II ? ITEM_CODED_DIAL : ITEM_ADDRESS_BOOK)))
		return;
	if (!dsv_open(v->d, part(v, "IFILE"), password, &plain)) {
		refuse(v, "", "wrong_password", OP_NONE, false);
		return;
	}
	while (dsv_next(buf_span(&plain), &at, &item, &file))
		if (book_has(v->d, item) && !order->lists[item])
			(void)read_into(v, order, item, file);
	buf_fini(&plain);
	if (order->items)
		import_begin(v->d, order);
	else
		refuse(v, "", "bad_file", OP_NONE, false);
}

/* One item of settings; the batch's address book is the lists. */
static void begin_setting(
	const struct visit *v, struct import_order *order, const struct setting_file *f)
{
	struct span file;
	enum item item;
	size_t at = 0;

	if (strcmp(f->id, "address_book") == 0) {
		while (dsv_next(f->state, &at, &item, &file))
			if (book_has(v->d, item) && !order->lists[item])
				(void)read_into(v, order, item, file);
		if (!order->items)
			order->items = 1u << ITEM_ONE_TOUCH;
	} else {
		order->setting = f->id;
		order->state = f->state;
		order->policy = f->policy;
	}
	import_begin(v->d, order);
}

static void import_setting(const struct visit *v, struct import_order *order)
{
	const char *password = word(v, "PASSWD");
	struct setting_file f;

	if (refused(v, 1u << ITEM_ONE_TOUCH))
		return;
	const char *says = setting_judge(v->d, part(v, "IFILE"), password, &f);
	if (strcmp(says, "imported") == 0) {
		begin_setting(v, order, &f);
	} else if (strncmp(says, "skipped_", 8) == 0) {
		rui_note(v, "import", f.id, says, OP_NONE, false);
		rui_page(v, v->d->latency.page, 200,
			arena_printf(http_arena(v->r), "<p>%s</p>", text(v, says)));
	} else {
		refuse(v, f.id, says, OP_NONE, false);
	}
	arena_fini(&f.arena);
}

static void on_action(const struct visit *v, bool setting)
{
	struct import_order order = {.request = v->r, .session = v->session->id};
	long token = number(v, "Token");

	if (token < 0 || (uint32_t)token != canon_of(v->d)->token) {
		rui_note(v, "import", NULL, "session_lost", OP_NONE, false);
		rui_lost_page(v);
		return;
	}
	canon_of(v->d)->token++;
	if (setting)
		import_setting(v, &order);
	else if (by_lists(v))
		import_list(v, &order);
	else
		import_values(v, &order);
}

/* ---- the menu ---- */

static void show_links(const struct visit *v, const char *one, const char *other)
{
	rui_page(v, v->d->latency.page, 200,
		arena_printf(http_arena(v->r), "<ul>%s%s</ul>", one, other));
}

/* The lists, then an entry for each other item, by its name in the menus. */
static void show_individual(const struct visit *v)
{
	size_t n = 0;
	const char *const *ids = exchange_items("indiv_ie", &n);
	const char *links = link_to(v, PLACE_LISTS, "menu_lists");

	for (size_t i = 0; i < n; i++)
		if (setting_offered(v->d, ids[i]))
			links = arena_printf(http_arena(v->r), "%s%s", links,
				link_with(v, PLACE_SETTING,
					exchange_item_name(ids[i], v->d->language)));
	show_links(v, links, "");
}

static void show(const struct visit *v, enum place place)
{
	switch (place) {
	case PLACE_DATA:
		if (by_lists(v))
			show_links(v, link_to(v, PLACE_INDIVIDUAL, "menu_individual"),
				link_to(v, PLACE_SETTING, "menu_all"));
		else
			show_links(v, link_to(v, PLACE_LISTS, "menu_values"), "");
		break;
	case PLACE_INDIVIDUAL:
		show_individual(v);
		break;
	case PLACE_SETTING:
		show_links(v, link_to(v, PLACES, "menu_export"),
			link_to(v, PLACE_SETTING_FORM, "menu_import"));
		break;
	case PLACE_SETTING_FORM:
		show_form(v, PLACE_SETTING_ACTION);
		break;
	case PLACE_SETTING_ACTION:
		on_action(v, true);
		break;
	case PLACE_LISTS:
		show_links(v, link_to(v, PLACES, "menu_export"),
			link_to(v, PLACE_FORM, "menu_import"));
		break;
	case PLACE_FORM:
		show_form(v, PLACE_ACTION);
		break;
	case PLACE_ACTION:
		on_action(v, false);
		break;
	case PLACES:
		break;
	}
}

bool rui_menu(const struct visit *v)
{
	bool post = strcmp(http_method(v->r), "POST") == 0;

	for (int i = 0; i < PLACES; i++) {
		if (strcmp(http_path(v->r), address(v, (enum place)i)) != 0 ||
			post != (i == PLACE_ACTION || i == PLACE_SETTING_ACTION))
			continue;
		if (rui_has_session(v)) {
			show(v, (enum place)i);
		} else {
			rui_note(v, post ? "import" : "menu", NULL, "session_lost", OP_NONE, false);
			rui_lost_page(v);
		}
		return true;
	}
	return false;
}
