// SPDX-License-Identifier: Apache-2.0
/* Imports over the Remote UI (devices.md 4.3, grade B-): for each list that differs through the
 * menu to the form, a multipart POST, and the machine's word for yes. An import erases first and
 * then takes its time; nothing is proven before the list was read again (V1). */
#include "services/worker/adapters/canon_session.h"

#include <stdio.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/canon_import.h"
#include "services/worker/adapters/page.h"

#define IMPORT_MS (30u * 60 * 1000) /* import-export.md R6 */

struct writing {
	const char *const *menu[CANON_MENU_MAX];
	size_t n_menu, step;
	char form[CANON_PATH]; /* where the form is, once it was found; "" = not yet */
	char page[CANON_PATH]; /* the one that is asked for */
	bool ready;
};

static void next_item(struct canon *c);

static const struct image_item *item_of(const struct canon *c)
{
	return &c->errand->wanted->item[c->item];
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

static void imported(struct canon *c, struct span page)
{
	struct buf text = BUF_INIT;

	page_text(page, 2048, &text);
	if (profile_says(c->errand->profile->restart_needed, buf_span(&text)))
		c->errand->seen.restart_required = true;
	buf_fini(&text);
	c->errand->seen.text = NULL;
	verdict(c, ITEM_RESULT_OK, NULL);
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
	int rc = errand_password(c->errand, &password, reterr)
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
	int rc = canon_by_values(c->errand->device) ? values_form(c, &sheet, &post, &f)
						    : list_form(c, &sheet, &post, &f);

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

	if (!page_link(page, w->menu[w->step], link, sizeof(link)) ||
		!page_resolve(w->page, link, path, sizeof(path))) {
		struct fault f = FAULT_INIT;
		fault_set(&f, CN_PROTOCOL_ERROR, "the menu has no way to '%s'; nothing was sent",
			w->menu[w->step][0] ? w->menu[w->step][0] : "import");
		canon_done(c, &f);
		return;
	}
	if (++w->step == w->n_menu)
		(void)snprintf(w->form, sizeof(w->form), "%s", path);
	get_page(c, path);
}

static bool is_form(const struct canon *c, struct span page)
{
	return page_has_input(page, canon_by_values(c->errand->device) ? "IFILE" : "AFILE");
}

static void on_page(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0)
		canon_done(c, f ? f : &why);
	else if (canon_page_of(r->body, c->errand->profile) != CANON_PAGE_NO_LIST)
		answered(c, r->body, false);
	else if (c->writing->step < c->writing->n_menu)
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

/* Each form has a Token of its own: the page is asked for again for each list. */
static void next_item(struct canon *c)
{
	struct writing *w = c->writing;
	struct buf top = BUF_INIT;

	if (c->item == c->errand->wanted->n_items) {
		canon_done(c, NULL);
		return;
	}
	if (w->form[0]) {
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
	c->writing->n_menu = canon_menu(e->profile, e->device->type, c->writing->menu);
	c->item = 0;
	c->again = false;
	e->seen.n_verdicts = 0;
	e->seen.restart_required = false;
	canon_enter(c, next_item);
}
