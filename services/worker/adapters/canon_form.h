// SPDX-License-Identifier: Apache-2.0
/* Canon Remote UI: what is sent, byte for byte, and what an answer means (devices.md section 4).
 * Pure. */
#pragma once

#include "common/base/buf.h"
#include "services/worker/adapters/adapter.h"
#include "services/worker/adapters/profile.h"

#define CANON_LOGIN_PATH "/login"
#define CANON_SWITCH_PATH "/rps/cadrs.cgi"
#define CANON_EXPORT_PATH "/rps/abook.ldif"
#define CANON_FORM "application/x-www-form-urlencoded"

/* How the machine lets people in. */
enum canon_login {
	CANON_DEPARTMENT, /* fields deptid and password (A) */
	CANON_USERNAME,   /* fields USERNAME and PASSWORD_T, a Token on each page (B) */
	CANON_OPEN,       /* older iR 3xxx/4xxx: no login (A) */
};

enum canon_login canon_login_of(struct span page);

/* `uri=%2f&deptid=<id>&password=<pin>` */
void canon_department_form(struct buf *out, const char *id, const char *pin);
/* The page's hidden fields, then USERNAME, PASSWORD_T and Dummy. */
void canon_username_form(struct buf *out, struct span page, const char *user, const char *password,
	uint64_t epoch_ms);
/* Where that form goes: the page's action, if it stays on the machine. */
void canon_login_path(struct span page, char *path, size_t size);
/* Page that ends a login: sets a cookie whose name begins IR. */
void canon_top_path(struct buf *out, uint64_t epoch_ms);
/* clear: entries' passwords come along in the export. Must be set back (DV-3). */
void canon_switch_form(struct buf *out, bool clear, uint64_t epoch_ms);
void canon_export_form(struct buf *out, unsigned aid, uint64_t epoch_ms);
/* Older machines: a GET. */
void canon_old_export_path(struct buf *out, unsigned aid);
/* Device setting values of types II and III: simulated only, nothing public says how. */
#define CANON_VALUES_PATH "/rps/dsv_export.cgi"
/* Items of settings: simulated only, too. */
#define CANON_SETTING_PATH "/rps/ie_export.cgi"
/* Restrict Receiving for Each Function > Address Book, off: the setting's name is known, the wire
 * is not (D). */
#define CANON_RESTRICT_PATH "/rps/crestrict.cgi"
void canon_restrict_form(struct buf *out, uint64_t epoch_ms);
void canon_values_form(struct buf *out, const char *item, const char *password, uint64_t epoch_ms);

/* AID of an address list of type I; 0 = no such list. */
unsigned canon_aid(const char *item);
/* All lists of a type, in order, NULL-terminated. */
const char *const *canon_lists(enum device_type type);

/* A web page came where an export was due: what it says. */
enum canon_page {
	CANON_PAGE_NO_LIST, /* the list does not exist: no error (FL-44) */
	CANON_PAGE_SESSION, /* the login is gone */
	CANON_PAGE_BUSY,
	CANON_PAGE_RESTRICTED, /* receive restriction is on (FL-45) */
	CANON_PAGE_REFUSED,
};

/* profile NULL: the words of devices.md 4.2 alone. */
enum canon_page canon_page_of(struct span page, const struct profile *profile);
