// SPDX-License-Identifier: Apache-2.0
/* The import form, read from the machine's page. */
#include "services/worker/adapters/canon_import.h"

#include <stdio.h>
#include <string.h>

#include "common/exchange/item.h"
#include "gen/errors.h"
#include "services/worker/adapters/multipart.h"
#include "services/worker/adapters/page.h"

void canon_menu(
	const struct profile *p, enum canon_form form, const char *item, struct canon_menu *ret)
{
	bool individual = form == CANON_FORM_SETTING && strncmp(item, "indiv_", 6) == 0;

	*ret = (struct canon_menu){.n = 0};
	ret->step[ret->n++] = p->menu_data;
	if (form == CANON_FORM_VALUES) {
		ret->step[ret->n++] = p->menu_values;
	} else if (form == CANON_FORM_SETTING && !individual) {
		ret->step[ret->n++] = p->menu_all;
	} else {
		ret->step[ret->n++] = p->menu_individual;
		ret->step[ret->n++] = individual ? ret->name : p->menu_lists;
	}
	ret->step[ret->n++] = p->menu_import;
	for (unsigned k = 0; individual && k < 3; k++)
		ret->name[k] = exchange_item_name(item, k);
}

static int unexpected(struct fault *reterr, const char *what)
{
	return fault_set(reterr, CN_PROTOCOL_ERROR,
		"the import page is not as expected: no %s; nothing was sent", what);
}

/* Action and hidden fields. */
static int begin(const struct canon_sheet *sheet, const char *input, struct span file,
	struct canon_post *ret, struct fault *reterr)
{
	char action[CANON_PATH];
	struct page_field f;
	bool token = false;

	*ret = (struct canon_post){.path = ""};
	if (!page_form_of(sheet->html, input, action, sizeof(action)))
		return unexpected(reterr, "form with a file");
	if (!page_resolve(sheet->path, action, ret->path, sizeof(ret->path)))
		return unexpected(reterr, "action on this machine");
	multipart_boundary(file, ret->boundary);
	multipart_type(ret->boundary, ret->type, sizeof(ret->type));
	for (size_t i = 0; page_hidden_at(sheet->html, input, i, &f); i++) {
		multipart_field(&ret->body, ret->boundary, f.name, f.value);
		token = token || strcmp(f.name, "Token") == 0;
	}
	return token ? 0 : unexpected(reterr, "Token");
}

/* A choice that the page offers by its words. */
static int choose(const struct canon_sheet *sheet, const char *control, const char *const *words,
	struct canon_post *ret)
{
	char value[32];

	if (!page_choice(sheet->html, control, words, value, sizeof(value)))
		return -1;
	multipart_field(&ret->body, ret->boundary, control, value);
	return 0;
}

int canon_import_form(const struct canon_sheet *sheet, const struct profile *p, const char *item,
	struct span file, struct canon_post *ret, struct fault *reterr)
{
	static const char *const abk[] = {".abk", NULL};
	char aid[12], name[40];

	if (begin(sheet, "AFILE", file, ret, reterr) < 0)
		return -1;
	snprintf(aid, sizeof(aid), "%u", canon_aid(item));
	if (!page_offers(sheet->html, "AID", aid))
		return unexpected(reterr, item);
	multipart_field(&ret->body, ret->boundary, "AID", aid);
	if (choose(sheet, "AMOD", p->mode_erase, ret) < 0)
		return unexpected(reterr, "mode that erases and overwrites");
	if (choose(sheet, "ACLS3", abk, ret) < 0)
		return unexpected(reterr, "file kind .abk");
	if (choose(sheet, "ENC_MODE_D", p->decrypt_no, ret) < 0)
		return unexpected(reterr, "choice of no decryption");
	snprintf(name, sizeof(name), "%s.abk", item);
	multipart_file(&ret->body, ret->boundary, "AFILE", name, file);
	multipart_end(&ret->body, ret->boundary);
	return 0;
}

int canon_values_import_form(const struct canon_sheet *sheet, const char *password,
	struct span file, struct canon_post *ret, struct fault *reterr)
{
	if (begin(sheet, "IFILE", file, ret, reterr) < 0)
		return -1;
	if (!page_has_input(sheet->html, "PASSWD"))
		return unexpected(reterr, "field of the password");
	multipart_field(&ret->body, ret->boundary, "PASSWD", password);
	multipart_file(&ret->body, ret->boundary, "IFILE", "settings.dcm", file);
	multipart_end(&ret->body, ret->boundary);
	return 0;
}

enum canon_said canon_said(struct span page, const struct profile *p)
{
	struct buf text = BUF_INIT;
	enum canon_said r = CANON_SAID_NOTHING_KNOWN;

	page_text(page, 8192, &text);
	struct span words = buf_span(&text);
	switch (canon_page_of(page, p)) {
	case CANON_PAGE_SESSION:
		r = CANON_SAID_SESSION;
		break;
	case CANON_PAGE_BUSY:
		r = CANON_SAID_BUSY;
		break;
	case CANON_PAGE_RESTRICTED:
		r = CANON_SAID_RESTRICTED;
		break;
	case CANON_PAGE_REFUSED:
		r = profile_says(p->wrong_password, words) ? CANON_SAID_PASSWORD
							   : CANON_SAID_REFUSED;
		break;
	case CANON_PAGE_NO_LIST:
		if (profile_says(p->imported, words))
			r = CANON_SAID_IMPORTED;
		else if (profile_says(p->skipped_model, words))
			r = CANON_SAID_SKIPPED_MODEL;
		else if (profile_says(p->skipped_policy, words))
			r = CANON_SAID_SKIPPED_POLICY;
		else if (profile_says(p->not_available, words))
			r = CANON_SAID_REFUSED;
		break;
	}
	buf_fini(&text);
	return r;
}

/* A line of nothing says that there is no password: that is no secret. */
static bool blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != ' ' && p[i] != '\r' && p[i] != '\n')
			return false;
	return true;
}

size_t canon_without_passwords(struct span abk, struct buf *out)
{
	static const char PWD[] = "pwd:";
	const char *p = (const char *)abk.p;
	size_t left = abk.n, dropped = 0;

	while (left > 0) {
		const char *end = memchr(p, '\n', left);
		size_t n = end ? (size_t)(end - p) + 1 : left;
		if (n > sizeof(PWD) - 1 && memcmp(p, PWD, sizeof(PWD) - 1) == 0 &&
			!blank(p + sizeof(PWD) - 1, n - (sizeof(PWD) - 1)))
			dropped++;
		else
			buf_add(out, p, n);
		p += n;
		left -= n;
	}
	return dropped;
}
