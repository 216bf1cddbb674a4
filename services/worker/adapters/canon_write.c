// SPDX-License-Identifier: Apache-2.0
/* Imports over the Remote UI (devices.md 4.3, grade B-): for each list that differs through the
 * menu to the form, a multipart POST, and the machine's word for yes. An import erases first and
 * then takes its time; nothing is proven before the list was read again (V1). */
#include "services/worker/adapters/canon_session.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/canon_import.h"
#include "services/worker/adapters/page.h"

#define IMPORT_MS (30u * 60 * 1000) /* import-export.md R6 */
#define WAIT_PROBES 2u              /* between two looks at a machine that restarts */
#define WAITS_MAX 180u

struct writing {
	struct canon_menu menu; /* to the item under way */
	size_t step;
	char form[CANON_PATH]; /* where all items' form is, once it was found; "" = not yet */
	char page[CANON_PATH]; /* the one that is asked for */
	struct timer *timer;   /* waits for a machine that restarts by itself */
	unsigned waits;
};

static void next_item(struct canon *c);

static const struct image_item *item_of(const struct canon *c)
{
	return &c->errand->wanted->item[c->item];
}

static bool opaque(const struct canon *c)
{
	return canon_is_opaque(c->errand, item_of(c)->name);
}

static void verdict(struct canon *c, enum item_result result, const char *detail)
{
	struct errand *e = c->errand;

	if (e->seen.n_verdicts < array_len(e->seen.verdicts))
		e->seen.verdicts[e->seen.n_verdicts++] = (struct item_verdict){
			.item = item_of(c)->name, .result = result, .detail = detail};
}

/* ---- the answer ---- */

static void keep_text(struct canon *c, struct span page)
{
	struct buf text = BUF_INIT;

	page_text(page, 512, &text);
	c->errand->seen.text = errand_text(c->errand, text.p, text.n, 512);
	buf_fini(&text);
}

static void refused(struct canon *c, int code, const char *detail)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, code, "%s: %s", item_of(c)->name, detail);
	verdict(c, ITEM_RESULT_FAILED, c->errand->seen.text);
	canon_done(c, &f);
}

/* ---- a machine that restarts by itself (B1, B5) ---- */

static void ask_again(void *arg);

static void on_back(void *arg, const struct web_reply *r unused, const struct fault *f)
{
	struct canon *c = arg;
	struct writing *w = c->writing;

	if (!f) {
		c->logged_in = false;
		canon_enter(c, next_item);
	} else if (++w->waits < WAITS_MAX) {
		timer_set(w->timer, (uint64_t)WAIT_PROBES * c->errand->probe_ms, 0);
	} else {
		canon_fail(c, CN_RESTART_PENDING,
			"the machine restarted by itself after the import and does not come back");
	}
}

static void ask_again(void *arg)
{
	struct canon *c = arg;
	void (*leave)(void) = c->errand->leave;
	struct web_request r = {.method = "GET", .path = "/", .follow = true, .once = true};

	c->errand->enter(c->errand->arg);
	web_send(&c->web, &r, on_back, c);
	leave();
}

static void wait_for_restart(struct canon *c)
{
	struct writing *w = c->writing;

	w->waits = 0;
	if (!w->timer)
		w->timer = timer_new(c->errand->loop, ask_again, c);
	timer_set(w->timer, (uint64_t)WAIT_PROBES * c->errand->probe_ms, 0);
}

void canon_forget_writing(struct canon *c)
{
	if (c->writing && c->writing->timer) {
		timer_free(c->writing->timer);
		c->writing->timer = NULL;
	}
}

static void imported(struct canon *c, struct span page)
{
	struct buf text = BUF_INIT;

	page_text(page, 2048, &text);
	if (profile_says(c->errand->profile->restart_needed, buf_span(&text)))
		c->errand->seen.restart_required = true;
	buf_fini(&text);
	c->errand->seen.text = NULL;
	verdict(c, ITEM_RESULT_OK, NULL);
	if (strcmp(item_of(c)->name, "security_policy") == 0) {
		c->item++;
		wait_for_restart(c);
		return;
	}
	c->item++;
	next_item(c);
}

static void skipped(struct canon *c, enum item_result result)
{
	verdict(c, result, c->errand->seen.text);
	c->errand->seen.text = NULL;
	c->item++;
	next_item(c);
}

static void answered(struct canon *c, struct span page, bool sent)
{
	enum canon_said said = canon_said(page, c->errand->profile);

	keep_text(c, page);
	switch (said) {
	case CANON_SAID_IMPORTED:
		imported(c, page);
		break;
	case CANON_SAID_SKIPPED_MODEL:
		skipped(c, ITEM_RESULT_SKIPPED_MODEL);
		break;
	case CANON_SAID_SKIPPED_POLICY:
		skipped(c, ITEM_RESULT_SKIPPED_POLICY_PASSWORD);
		break;
	case CANON_SAID_SESSION:
		canon_lost_session(c, next_item);
		break;
	case CANON_SAID_BUSY:
		refused(c, CN_DEVICE_BUSY, "the device refused the import: in use");
		break;
	case CANON_SAID_RESTRICTED:
		refused(c, CN_RECEIVE_RESTRICTED,
			"the receive restriction of the address book is on");
		break;
	case CANON_SAID_PASSWORD:
		refused(c, CN_WRONG_PASSWORD, "the file has another password");
		break;
	case CANON_SAID_REFUSED:
		refused(c, CN_REJECTED, "the device refused the import");
		break;
	case CANON_SAID_NOTHING_KNOWN:
		refused(c, CN_PROTOCOL_ERROR,
			sent ? "the answer to the import says neither yes nor no"
			     : "not the page that the menu leads to; nothing was sent");
		break;
	}
}

static void on_imported(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0)
		canon_done(c, f ? f : &why);
	else
		answered(c, r->body, true);
}

/* ---- the form ---- */

static int values_form(struct canon *c, const struct canon_sheet *sheet, struct canon_post *post,
	struct fault *reterr)
{
	struct buf password = BUF_INIT;
	int rc = canon_password(c->errand, item_of(c)->name, &password, reterr)
			 ? canon_values_import_form(
				   sheet, buf_str(&password), item_of(c)->bytes, post, reterr)
			 : -1;

	canon_wipe(&password);
	return rc;
}

/* Passwords go in clear only where the operator wants that (FL-20), or under TLS. */
static int list_form(struct canon *c, const struct canon_sheet *sheet, struct canon_post *post,
	struct fault *reterr)
{
	const struct errand *e = c->errand;
	struct span file = item_of(c)->bytes;
	struct buf bare = BUF_INIT;

	if (!c->web.tls && !e->device->accept_clear_text_secrets) {
		(void)canon_without_passwords(file, &bare);
		file = buf_span(&bare);
	}
	int rc = canon_import_form(sheet, e->profile, item_of(c)->name, file, post, reterr);
	buf_fini(&bare);
	return rc;
}

static void send_form(struct canon *c, struct span page)
{
	const struct canon_sheet sheet = {page, c->writing->page};
	struct canon_post post = {.path = ""};
	struct fault f = FAULT_INIT;
	int rc = opaque(c) ? values_form(c, &sheet, &post, &f) : list_form(c, &sheet, &post, &f);

	if (rc < 0) {
		canon_wipe(&post.body);
		canon_done(c, &f);
		return;
	}
	struct web_request r = {.method = "POST",
		.path = post.path,
		.type = post.type,
		.body = buf_span(&post.body),
		.once = true,
		.first_byte_ms = IMPORT_MS,
		.total_ms = IMPORT_MS};
	web_send(&c->web, &r, on_imported, c);
	canon_wipe(&post.body);
}

/* ---- the way through the menu ---- */

static void get_page(struct canon *c, const char *path);

static void follow(struct canon *c, struct span page)
{
	struct writing *w = c->writing;
	char link[CANON_PATH], path[CANON_PATH];

	if (!page_link(page, w->menu.step[w->step], link, sizeof(link)) ||
		!page_resolve(w->page, link, path, sizeof(path))) {
		struct fault f = FAULT_INIT;
		fault_set(&f, CN_PROTOCOL_ERROR, "the menu has no way to '%s'; nothing was sent",
			w->menu.step[w->step][0] ? w->menu.step[w->step][0] : "import");
		canon_done(c, &f);
		return;
	}
	if (++w->step == w->menu.n && !canon_is_setting(c->errand, item_of(c)->name))
		(void)snprintf(w->form, sizeof(w->form), "%s", path);
	get_page(c, path);
}

static bool is_form(const struct canon *c, struct span page)
{
	return page_has_input(page, opaque(c) ? "IFILE" : "AFILE");
}

static void on_page(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0)
		canon_done(c, f ? f : &why);
	else if (canon_page_of(r->body, c->errand->profile) != CANON_PAGE_NO_LIST)
		answered(c, r->body, false);
	else if (c->writing->step < c->writing->menu.n)
		follow(c, r->body);
	else if (is_form(c, r->body))
		send_form(c, r->body);
	else
		answered(c, (struct span){.n = 0}, false);
}

static void get_page(struct canon *c, const char *path)
{
	struct web_request r = {.method = "GET", .path = path};

	if (path != c->writing->page)
		(void)snprintf(c->writing->page, sizeof(c->writing->page), "%s", path);
	web_send(&c->web, &r, on_page, c);
}

static enum canon_form form_of(const struct canon *c)
{
	return canon_by_values(c->errand->device)              ? CANON_FORM_VALUES
	       : canon_is_setting(c->errand, item_of(c)->name) ? CANON_FORM_SETTING
							       : CANON_FORM_LIST;
}

/* Each form has a Token of its own: the page is asked for again for each list. */
static void next_item(struct canon *c)
{
	struct writing *w = c->writing;
	struct buf top = BUF_INIT;

	if (c->item == c->errand->wanted->n_items) {
		canon_done(c, NULL);
		return;
	}
	canon_menu(c->errand->profile, form_of(c), item_of(c)->name, &w->menu);
	if (w->form[0]) {
		w->step = w->menu.n;
		get_page(c, w->form);
		return;
	}
	w->step = 0;
	canon_top_path(&top, c->errand->wall_ms());
	get_page(c, buf_str(&top));
	buf_fini(&top);
}

void canon_write(void *self)
{
	struct canon *c = self;
	struct errand *e = c->errand;

	if (!e->profile || c->login == CANON_OPEN) {
		canon_fail(c, CN_UNSUPPORTED_OPERATION,
			"how this machine imports is not known: older Remote UI, or no profile");
		return;
	}
	if (!c->writing)
		c->writing = arena_alloc(e->arena, sizeof(*c->writing));
	if (!c->writing) {
		canon_fail(c, CN_INTERNAL_ERROR, "session memory is used up");
		return;
	}
	c->item = 0;
	c->again = false;
	e->seen.n_verdicts = 0;
	e->seen.restart_required = false;
	canon_enter(c, next_item);
}
