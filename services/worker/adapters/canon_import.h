// SPDX-License-Identifier: Apache-2.0
/* Imports over Canon's Remote UI: the way through the menu to the form, and what is sent with it
 * (devices.md 4.3). Where pages and forms live is not public: everything is read from the page
 * before, nothing is built in. Pure. */
#pragma once

#include "services/worker/adapters/canon_form.h"

#define CANON_PATH 512
#define CANON_MENU_MAX 5

/* Words of the links from the page after the login to an item's form, in order. The machine's own
 * words: from the profile, and the item's name in the menus. */
struct canon_menu {
	const char *const *step[CANON_MENU_MAX];
	size_t n;
	const char *name[4]; /* of an individual item, in each language */
};
enum canon_form { CANON_FORM_LIST, CANON_FORM_VALUES, CANON_FORM_SETTING };
void canon_menu(
	const struct profile *p, enum canon_form form, const char *item, struct canon_menu *ret);

/* A page of the machine with a form. */
struct canon_sheet {
	struct span html;
	const char *path; /* where it was */
};

/* A form, ready to be sent. */
struct canon_post {
	char path[CANON_PATH]; /* the page's action */
	char type[96];
	char boundary[40];
	struct buf body; /* holds secrets: to be wiped */
};

/* The form of an address list: the page's hidden fields with its Token, then AID, AMOD (erase and
 * overwrite), ACLS3 (the file kind named .abk), ENC_MODE_D (no decryption), AFILE. 0, or -1 with
 * CN_PROTOCOL_ERROR: the page is not what it should be. */
int canon_import_form(const struct canon_sheet *sheet, const struct profile *p, const char *item,
	struct span file, struct canon_post *ret, struct fault *reterr) must_check;
/* Opaque files, simulated only: IFILE and PASSWD. */
int canon_values_import_form(const struct canon_sheet *sheet, const char *password,
	struct span file, struct canon_post *ret, struct fault *reterr) must_check;

/* What the machine said to an import. */
enum canon_said {
	CANON_SAID_IMPORTED,
	CANON_SAID_SKIPPED_MODEL,  /* this item, here: not taken (R10, R12, 3.6) */
	CANON_SAID_SKIPPED_POLICY, /* the table of 3.3 */
	CANON_SAID_SESSION,        /* nothing was taken */
	CANON_SAID_BUSY,
	CANON_SAID_RESTRICTED,
	CANON_SAID_PASSWORD,
	CANON_SAID_REFUSED,
	CANON_SAID_NOTHING_KNOWN, /* neither yes nor no (DV-2) */
};
enum canon_said canon_said(struct span page, const struct profile *p);

/* The text without lines of passwords: for machines that may not be sent them in clear. Returns
 * how many were left out. */
size_t canon_without_passwords(struct span abk, struct buf *out);
