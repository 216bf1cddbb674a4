// SPDX-License-Identifier: Apache-2.0
/* Forms and pages of the Remote UI. The order and the spelling of the fields are the machine's. */
#include "services/worker/adapters/canon_form.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/worker/adapters/page.h"

enum canon_login canon_login_of(struct span page)
{
	if (page_has_input(page, "deptid"))
		return CANON_DEPARTMENT;
	if (page_has_input(page, "USERNAME"))
		return CANON_USERNAME;
	return CANON_OPEN;
}

void canon_department_form(struct buf *out, const char *id, const char *pin)
{
	buf_adds(out, "uri=%2f");
	form_add(out, "deptid", id);
	form_add(out, "password", pin);
}

void canon_username_form(struct buf *out, struct span page, const char *user, const char *password,
	uint64_t epoch_ms)
{
	char dummy[24];

	snprintf(dummy, sizeof(dummy), "%" PRIu64, epoch_ms);
	page_hidden_fields(page, "USERNAME", out); /* with the page's Token */
	buf_adds(out, "USERNAME=");
	form_value(out, user);
	form_add(out, "PASSWORD_T", password);
	form_add(out, "Dummy", dummy);
}

void canon_login_path(struct span page, char *path, size_t size)
{
	if (!page_form_of(page, "USERNAME", path, size) || path[0] != '/')
		snprintf(path, size, "%s", CANON_LOGIN_PATH);
}

void canon_top_path(struct buf *out, uint64_t epoch_ms)
{
	buf_addf(out,
		"/rps/nativetop.cgi?RUIPNxBundle=&CorePGTAG=PGTAG_CONF_ENV_PAP&Dummy=%" PRIu64,
		epoch_ms);
}

void canon_switch_form(struct buf *out, bool clear, uint64_t epoch_ms)
{
	buf_addf(out,
		"ADRSEXPPSWDCHK=%d&PageFlag=c_adrs.tpl&Flag=Exec_Data&CoreNXAction=./cadrs.cgi"
		"&CoreNXPage=c_adrexppass.tpl&CoreNXFlag=Init_Data&Dummy=%" PRIu64,
		clear ? 0 : 1, epoch_ms);
}

void canon_export_form(struct buf *out, unsigned aid, uint64_t epoch_ms)
{
	buf_addf(out,
		"AID=%u&ACLS=1&ENC_MODE=0&ENC_FILE=password&PASSWD=&PageFlag=&AMOD=&Dummy=%" PRIu64
		"&ERR_PG_KIND_FLG=Adress_Export",
		aid, epoch_ms);
}

void canon_old_export_path(struct buf *out, unsigned aid)
{
	buf_addf(out, "/abook.ldif?AID=%u&ACLS=1&ENC_FILE1=&ENC_FILE2=&ENC_MODE=0&ENC_FILE=", aid);
}

void canon_restrict_form(struct buf *out, uint64_t epoch_ms)
{
	buf_addf(out, "RESTRICT_ADDRESS_BOOK=0&Dummy=%" PRIu64, epoch_ms);
}

void canon_values_form(struct buf *out, const char *item, const char *password, uint64_t epoch_ms)
{
	char dummy[24];

	snprintf(dummy, sizeof(dummy), "%" PRIu64, epoch_ms);
	form_add(out, "ITEM", item);
	form_add(out, "PASSWD", password);
	form_add(out, "Dummy", dummy);
}

/* ---- lists (fleet.md 1.3) ---- */

static const char *const lists_1[] = {"list_1", "list_2", "list_3", "list_4", "list_5", "list_6",
	"list_7", "list_8", "list_9", "list_10", "one_touch", NULL};
static const char *const lists_2[] = {"coded_dial", "favorites", NULL};
static const char *const lists_3[] = {"address_book", "speed_dial", NULL};

const char *const *canon_lists(enum device_type type)
{
	return type == DEVICE_TYPE_II ? lists_2 : type == DEVICE_TYPE_III ? lists_3 : lists_1;
}

unsigned canon_aid(const char *item)
{
	for (unsigned i = 0; lists_1[i]; i++)
		if (strcmp(lists_1[i], item) == 0)
			return i + 1;
	return 0;
}

/* ---- pages instead of an export ---- */

static const char *const session_words[] = {
	"Don't open this page", "Echec autorisation utilisateur", NULL};
static const char *const refused_words[] = {"failed", "error", NULL};

static bool login_again(struct span page)
{
	return canon_login_of(page) != CANON_OPEN;
}

enum canon_page canon_page_of(struct span page, const struct profile *profile)
{
	struct buf text = BUF_INIT;
	enum canon_page r = CANON_PAGE_NO_LIST;

	page_text(page, 8192, &text);
	struct span words = buf_span(&text);
	if (login_again(page) || profile_says(session_words, words) ||
		(profile && profile_says(profile->session_lost, words)))
		r = CANON_PAGE_SESSION;
	else if (profile && profile_says(profile->receive_restricted, words))
		r = CANON_PAGE_RESTRICTED;
	else if (profile && profile_says(profile->busy, words))
		r = CANON_PAGE_BUSY;
	else if (profile && profile_says(profile->not_available, words))
		r = CANON_PAGE_NO_LIST;
	else if (profile_says(profile ? profile->refused : refused_words, words))
		r = CANON_PAGE_REFUSED;
	buf_fini(&text);
	return r;
}
