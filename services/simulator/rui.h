// SPDX-License-Identifier: Apache-2.0
/* What the pages of the simulated Remote UI share. */
#pragma once

#include "services/simulator/book.h"

/* One request at one device. */
struct visit {
	struct device *d;
	struct http_request *r;
	struct session *session; /* NULL = none or over */
	bool overlap;
};

/* Value of a field of an urlencoded form; "" when absent. */
const char *rui_form(const struct visit *v, const char *name);
/* The session and its IR cookie, which must have been given and come back. */
bool rui_has_session(const struct visit *v);

/* Pages, after the device's time for them. what is HTML. */
void rui_page(const struct visit *v, uint32_t ms, unsigned status, const char *what);
void rui_error_page(const struct visit *v, const char *text);
void rui_lost_page(const struct visit *v);

void rui_note(const struct visit *v, const char *what, const char *item, const char *result,
	enum op op, bool violation);

/* ---- rui_import.c ---- */
/* The link that leads to imports, on the page after the login. */
const char *rui_menu_link(const struct visit *v);
/* Answers a page of the menu, the form or the import itself; false = another page. */
bool rui_menu(const struct visit *v);

/* ---- rui_export.c ---- */
void rui_on_abook(struct visit *v);
void rui_on_dsv(struct visit *v);
void rui_on_setting(struct visit *v);
void rui_on_restrict(struct visit *v);
