// SPDX-License-Identifier: Apache-2.0
/* Reading of address lists (devices.md 4.2), and of device setting values of types II and III,
 * whose wire format is not public: simulated devices only. */
#include "services/worker/adapters/canon_session.h"

#include <string.h>

#include "common/book/formats/abk.h"
#include "gen/errors.h"
#include "services/worker/adapters/page.h"

#define HEAD_MAX 4096u /* of a page that came instead of a list */

/* What is known of the body that arrives. */
enum body { BODY_UNKNOWN, BODY_LIST, BODY_PAGE };

/* Reading of one list, made when the first list begins. */
struct listing {
	struct abk_scan scan;
	enum body body;
	uint64_t bytes, announced; /* announced: types II and III write their length */
	struct buf head;           /* first bytes, until the kind is known; a page's text */
	struct fault fault;        /* why we ended the transfer ourselves */
};

static void next_list(struct canon *c);

/* ---- lists ---- */

static enum http_flow stop_with(struct listing *l, const struct fault *f)
{
	l->fault = *f;
	return HTTP_ABORT;
}

/* The first bytes tell a list from a page. */
static void begin_body(struct canon *c, const uint8_t *p, size_t n)
{
	struct listing *l = c->listing;

	for (size_t i = 0; i < n && l->body == BODY_UNKNOWN; i++)
		if (p[i] != ' ' && (p[i] < '\t' || p[i] > '\r'))
			l->body = p[i] == '<' ? BODY_PAGE : BODY_LIST;
	if (l->body == BODY_LIST)
		c->errand->item(c->errand->arg, c->errand->items[c->item]);
}

static void keep_page(struct listing *l, const uint8_t *p, size_t n)
{
	buf_add(&l->head, p, size_min(n, HEAD_MAX - size_min(l->head.n, HEAD_MAX)));
}

static bool opaque(const struct canon *c)
{
	return canon_is_opaque(c->errand, c->errand->items[c->item]);
}

/* Opaque files: magic, then the length of the whole file in 8 bytes. */
static int check_values(const struct canon *c, const uint8_t *p, size_t n, struct fault *reterr)
{
	static const char DSV[] = "CARNET-SIM-DSV1\n", DCM[] = "CARNET-SIM-DCM1\n";
	const char *magic = canon_by_values(c->errand->device) ? DSV : DCM;
	struct listing *l = c->listing;
	enum { MAGIC_N = sizeof(DSV) - 1, HEAD_N = MAGIC_N + 8 };

	for (size_t i = 0; i < n && l->bytes + i < HEAD_N; i++) {
		size_t at = (size_t)l->bytes + i;
		if (at < MAGIC_N && p[i] != (uint8_t)magic[at])
			return fault_set(reterr, CN_PARSE_ERROR,
				"byte %zu: not a file of device settings", at + 1);
		if (at >= MAGIC_N)
			l->announced = l->announced << 8 | p[i];
	}
	return 0;
}

static int check_bytes(struct canon *c, const uint8_t *p, size_t n, struct fault *reterr)
{
	struct listing *l = c->listing;

	if (opaque(c))
		return check_values(c, p, n, reterr);
	return abk_scan_feed(&l->scan, (struct span){p, n}, reterr);
}

static enum http_flow take(void *arg, const uint8_t *p, size_t n, long status)
{
	struct canon *c = arg;
	struct listing *l = c->listing;
	struct fault f = FAULT_INIT;
	enum http_flow flow;

	if (status != 200) {
		keep_page(l, p, n);
		return HTTP_GO;
	}
	if (l->body == BODY_UNKNOWN)
		begin_body(c, p, n);
	if (l->body != BODY_LIST) {
		keep_page(l, p, n);
		return HTTP_GO;
	}
	flow = c->errand->bytes(c->errand->arg, (struct span){p, n});
	if (flow != HTTP_GO)
		return flow;
	if (check_bytes(c, p, n, &f) < 0)
		return stop_with(l, &f);
	l->bytes += n;
	return HTTP_GO;
}

static int end_of_list(struct canon *c, uint64_t *ret_entries, struct fault *reterr)
{
	struct listing *l = c->listing;
	struct abk_info info = {.entries = 0};

	if (opaque(c)) {
		if (l->announced != l->bytes || l->bytes == 0)
			return fault_set(reterr, CN_INCOMPLETE, "%llu bytes of %llu announced",
				(unsigned long long)l->bytes, (unsigned long long)l->announced);
	} else if (abk_scan_end(&l->scan, &info, reterr) < 0) {
		return -1;
	}
	*ret_entries = info.entries;
	return 0;
}

static void begin_reading(struct canon *c);

static void page_came(struct canon *c)
{
	struct errand *e = c->errand;
	struct span page = buf_span(&c->listing->head);
	enum canon_page says = canon_page_of(page, e->profile);
	struct buf text = BUF_INIT;

	page_text(page, 512, &text);
	e->seen.text = errand_text(e, text.p, text.n, 512);
	buf_fini(&text);
	switch (says) {
	case CANON_PAGE_NO_LIST:
		e->seen.text = NULL;
		e->item_absent(e->arg, e->items[c->item++]);
		next_list(c);
		return;
	case CANON_PAGE_SESSION:
		canon_lost_session(c, begin_reading);
		return;
	case CANON_PAGE_BUSY:
		canon_fail(c, CN_DEVICE_BUSY, "the device refused the export: in use");
		return;
	case CANON_PAGE_RESTRICTED:
		canon_fail(c, CN_RECEIVE_RESTRICTED,
			"the receive restriction of the address book is on");
		return;
	case CANON_PAGE_REFUSED:
		canon_fail(c, CN_REJECTED, "the device refused the export");
		return;
	}
}

/* Names the list: a place in a file means nothing without the file. */
static void fail_list(struct canon *c, const struct fault *f)
{
	struct fault at = FAULT_INIT;

	fault_why(&at, f->code, f->reason, "%s: %.200s", c->errand->items[c->item], f->detail);
	canon_done(c, &at);
}

static void list_ended(struct canon *c, uint64_t entries)
{
	struct errand *e = c->errand;

	if (c->item == 0 && !canon_is_setting(e, e->items[0]))
		errand_capability(e, "ab.read", CAPABILITY_RESULT_YES, GRADE_A, "export");
	if (!opaque(c))
		e->seen.type = DEVICE_TYPE_I; /* by what it does, not by its name (FL-7) */
	e->item_end(e->arg, entries);
}

static void on_exported(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct errand *e = c->errand;
	struct listing *l = c->listing;
	struct fault why = FAULT_INIT;
	uint64_t entries = 0;

	if (f) {
		fail_list(c, l->fault.code ? &l->fault : f);
		return;
	}
	/* the first export is the probe of the address book (devices.md 2.1) */
	if (web_status(e, r, c->item == 0, &why) < 0) {
		if (r->status == 404 && c->item == 0)
			errand_capability(e, "ab.read", CAPABILITY_RESULT_NO, GRADE_A, "export");
		canon_done(c, &why);
		return;
	}
	if (l->body == BODY_PAGE) {
		page_came(c);
		return;
	}
	if (l->body == BODY_UNKNOWN)
		fault_set(&why, CN_INCOMPLETE, "an empty answer instead of a list");
	else if (end_of_list(c, &entries, &why) == 0)
		list_ended(c, entries);
	if (why.code) {
		fail_list(c, &why);
		return;
	}
	c->item++;
	next_list(c);
}

static int values_form(struct canon *c, struct buf *form, struct fault *reterr)
{
	struct buf password = BUF_INIT;
	bool have = canon_password(c->errand, c->errand->items[c->item], &password, reterr);

	if (have)
		canon_values_form(
			form, c->errand->items[c->item], buf_str(&password), c->errand->wall_ms());
	canon_wipe(&password);
	return have ? 0 : -1;
}

static void send_export(struct canon *c, struct web_request *r)
{
	const struct errand *e = c->errand;

	r->max_body = (size_t)64 * 1024 * 1024;
	r->last = c->item + 1 == e->n_items && !c->switch_open;
	r->take = take;
	web_send(&c->web, r, on_exported, c);
}

static void ask_export(struct canon *c)
{
	struct errand *e = c->errand;
	struct buf b = BUF_INIT;
	struct web_request r = {.method = "POST", .type = CANON_FORM, .path = CANON_EXPORT_PATH};
	struct fault f = FAULT_INIT;

	if (opaque(c)) {
		r.path = canon_by_values(e->device) ? CANON_VALUES_PATH : CANON_SETTING_PATH;
		if (values_form(c, &b, &f) < 0) {
			canon_done(c, &f);
			return;
		}
		r.body = buf_span(&b);
	} else if (c->login == CANON_OPEN) {
		canon_old_export_path(&b, canon_aid(e->items[c->item]));
		r = (struct web_request){.method = "GET", .path = buf_str(&b)};
	} else {
		canon_export_form(&b, canon_aid(e->items[c->item]), e->wall_ms());
		r.body = buf_span(&b);
	}
	send_export(c, &r);
	canon_wipe(&b);
}

/* One-Touch's number is a guess (D): on real devices only where the operator said so. */
static bool unproven(const struct canon *c)
{
	const struct m_device *d = c->errand->device;

	return strcmp(c->errand->items[c->item], "one_touch") == 0 && !d->simulated &&
	       !d->allow_unproven;
}

static void reset_listing(struct canon *c)
{
	struct listing *l = c->listing;

	buf_fini(&l->head);
	*l = (struct listing){.body = BODY_UNKNOWN};
	l->head = BUF_INIT;
	abk_scan_init(&l->scan);
}

/* What was opened is closed at once, where nothing went wrong; else release does it. */
static void on_all_read(struct canon *c)
{
	canon_done(c, NULL);
}

static void finish_reading(struct canon *c)
{
	if (c->switch_open)
		canon_close_switch(c, on_all_read);
	else
		canon_done(c, NULL);
}

static void next_list(struct canon *c)
{
	struct errand *e = c->errand;

	while (c->item < e->n_items && unproven(c))
		e->item_absent(e->arg, e->items[c->item++]);
	reset_listing(c);
	if (c->item == e->n_items)
		finish_reading(c);
	else
		ask_export(c);
}

static void begin_reading(struct canon *c)
{
	if (c->errand->device->accept_clear_text_secrets &&
		!canon_is_setting(c->errand, c->errand->items[0]))
		canon_open_switch(c, next_list);
	else
		next_list(c);
}

void canon_read(void *self)
{
	struct canon *c = self;

	c->item = 0;
	c->again = false;
	if (!c->listing)
		c->listing = arena_alloc(c->errand->arena, sizeof(*c->listing));
	if (!c->listing)
		canon_fail(c, CN_INTERNAL_ERROR, "session memory is used up");
	else
		canon_enter(c, begin_reading);
}

void canon_forget_listing(struct canon *c)
{
	if (c->listing)
		buf_fini(&c->listing->head);
}
