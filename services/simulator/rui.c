// SPDX-License-Identifier: Apache-2.0
/* The Remote UI of a Canon imageRUNNER ADVANCE (devices.md section 4): sessions, login, the
 * password switch, and which page answers what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/simulator/rui.h"

enum { SESSION_IDLE_MS = 60000 };

/* ---- forms and cookies ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static const char *unescape(struct arena *a, const char *s, size_t n)
{
	char *out = arena_alloc(a, n + 1);
	size_t k = 0;

	bug_if(!out);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 2 < n && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			out[k++] = (char)(hex(s[i + 1]) * 16 + hex(s[i + 2]));
			i += 2;
		} else {
			out[k++] = s[i] == '+' ? ' ' : s[i];
		}
	}
	return out;
}

const char *rui_form(const struct visit *v, const char *name)
{
	struct span body = http_body(v->r);
	const char *p = (const char *)body.p;
	const char *end = p + body.n;
	size_t n = strlen(name);

	while (body.n && p < end) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		size_t len = (size_t)((amp ? amp : end) - p);
		if (len > n && memcmp(p, name, n) == 0 && p[n] == '=')
			return unescape(http_arena(v->r), p + n + 1, len - n - 1);
		p += len + 1;
	}
	return "";
}

static const char *cookie(const struct visit *v, const char *name)
{
	const char *p = http_req_header(v->r, "Cookie");
	size_t n = strlen(name);

	while (p && *p) {
		p += strspn(p, "; ");
		size_t len = strcspn(p, ";");
		if (len > n && memcmp(p, name, n) == 0 && p[n] == '=')
			return arena_strndup(http_arena(v->r), p + n + 1, len - n - 1);
		p += len;
	}
	return "";
}

/* ---- sessions ---- */

static void find_session(struct visit *v)
{
	const char *id = cookie(v, "sessid");
	uint64_t now = clock_mono_ms();

	for (uint32_t i = 0; *id && i < SESSIONS; i++) {
		struct session *s = &v->d->sessions[i];
		if (strcmp(s->id, id) != 0 || now > s->last_ms + SESSION_IDLE_MS)
			continue;
		/* two sessions that take turns are two at once */
		v->overlap = s->requests > 0 && v->d->last_session != i + 1;
		v->d->sim->stats.session_overlaps += v->overlap;
		v->d->last_session = i + 1;
		s->last_ms = now;
		s->requests++;
		v->session = s;
	}
}

static struct session *new_session(struct device *d)
{
	struct rng r =
		rng_of(d->sim->fleet.seed, d->index, RNG_SESSION + ++d->session_count * 1000);
	struct session *oldest = &d->sessions[0];

	for (size_t i = 1; i < SESSIONS; i++)
		if (d->sessions[i].last_ms < oldest->last_ms)
			oldest = &d->sessions[i];
	*oldest = (struct session){.last_ms = clock_mono_ms()};
	(void)snprintf(oldest->id, sizeof(oldest->id), "%016llx", (unsigned long long)rng_next(&r));
	return oldest;
}

/* ---- the truth ---- */

void rui_note(const struct visit *v, const char *what, const char *item, const char *result,
	enum op op, bool violation)
{
	truth_add(v->d->sim->truth, &(struct truth_entry){.device = v->d,
					    .session = v->session ? v->session->id : "",
					    .what = what,
					    .item = item,
					    .result = result,
					    .op = op,
					    .overlap = v->overlap,
					    .violation = violation});
}

/* ---- pages ---- */

void rui_page(const struct visit *v, uint32_t ms, unsigned status, const char *what)
{
	const char *text = arena_printf(http_arena(v->r),
		"<html><head><title>Remote UI: %s</title></head><body>\r\n%s\r\n</body></html>\r\n",
		v->d->model->name, what);

	bug_if(!text);
	answer_page(v->d, v->r, ms, status, text);
}

void rui_error_page(const struct visit *v, const char *text)
{
	const char *what =
		arena_printf(http_arena(v->r), "<h1>Remote UI error</h1><p>%s</p>", text);

	rui_page(v, v->d->latency.page, 200, what);
}

static void login_page(const struct visit *v)
{
	rui_page(v, v->d->latency.page, 200,
		"<form action=\"/login\" method=\"post\"><input type=\"hidden\" name=\"uri\" "
		"value=\"/\"><input name=\"deptid\"><input type=\"password\" "
		"name=\"password\"></form>");
}

void rui_lost_page(const struct visit *v)
{
	rui_error_page(v, profile_text(v->d->sim->profile, "session_lost", v->d->language));
}

static void on_root(struct visit *v)
{
	rui_note(v, "get_root", NULL, "ok", OP_NONE, false);
	if (v->session)
		rui_page(v, v->d->latency.page, 200, "<!-- VARIE_BOX_ALL_SETTING -->portal");
	else
		login_page(v);
}

static void on_login(struct visit *v)
{
	struct device *d = v->d;
	const char *pin = d->traits & TRAIT_WRONG_PASSWORD ? "another-pin" : d->sim->fleet.pin;
	bool good = strcmp(rui_form(v, "deptid"), d->sim->fleet.id) == 0 &&
		    strcmp(rui_form(v, "password"), pin) == 0;

	d->sim->stats.logins++;
	if (!good) {
		d->sim->stats.logins_refused++;
		rui_note(v, "login", NULL, "auth_refused", OP_NONE, false);
		login_page(v);
		return;
	}
	v->session = new_session(d);
	d->last_session = (uint32_t)(v->session - d->sessions) + 1;
	v->session->requests = 1;
	rui_note(v, "login", NULL, "ok", OP_NONE, false);
	http_set_header(v->r, "Location", "/");
	http_set_header(v->r, "Set-Cookie",
		arena_printf(http_arena(v->r), "sessid=%s; path=/; HttpOnly", v->session->id));
	answer_page(d, v->r, d->latency.login, 302, "");
}

static void on_nativetop(struct visit *v)
{
	rui_note(v, "nativetop", NULL, v->session ? "ok" : "session_lost", OP_NONE, false);
	if (!v->session) {
		rui_lost_page(v);
		return;
	}
	v->session->ir = true;
	http_set_header(v->r, "Set-Cookie",
		arena_printf(http_arena(v->r), "IRTK%.4s=%.8s; path=/rps", v->session->id,
			v->session->id + 4));
	rui_page(v, v->d->latency.page, 200,
		arena_printf(
			http_arena(v->r), "<!-- VARIE_BOX_ALL_SETTING -->%s", rui_menu_link(v)));
}

bool rui_has_session(const struct visit *v)
{
	const char *name =
		v->session ? arena_printf(http_arena(v->r), "IRTK%.4s", v->session->id) : NULL;

	return v->session && v->session->ir && *cookie(v, name);
}

static void on_switch(struct visit *v)
{
	const char *value = rui_form(v, "ADRSEXPPSWDCHK");
	bool set = strcmp(http_method(v->r), "POST") == 0 && *value &&
		   strcmp(rui_form(v, "Flag"), "Exec_Data") == 0;

	if (!rui_has_session(v)) {
		rui_note(v, "switch", value, "session_lost", OP_NONE, false);
		rui_lost_page(v);
		return;
	}
	if (set)
		v->d->passwords_open = strcmp(value, "0") == 0;
	rui_note(v, set ? "switch" : "switch_read", v->d->passwords_open ? "0" : "1", "ok", OP_NONE,
		false);
	rui_page(v, v->d->latency.page, 200,
		arena_printf(http_arena(v->r),
			"<!-- VARIE_BOX_ALL_SETTING --><form><input type=\"hidden\" "
			"name=\"ADRSEXPPSWDCHK\" value=\"%d\"></form>",
			v->d->passwords_open ? 0 : 1));
}

static const struct {
	const char *method, *path;
	void (*fn)(struct visit *v);
} PAGES[] = {
	{"GET", "/", on_root},
	{"POST", "/login", on_login},
	{"GET", "/rps/nativetop.cgi", on_nativetop},
	{"POST", "/rps/cadrs.cgi", on_switch},
	{"GET", "/rps/cadrs.cgi", on_switch},
	{"POST", "/rps/abook.ldif", rui_on_abook},
	{"POST", "/rps/dsv_export.cgi", rui_on_dsv},
	{"POST", "/rps/ie_export.cgi", rui_on_setting},
	{"POST", "/rps/crestrict.cgi", rui_on_restrict},
};

void rui_serve(struct device *d, struct http_request *r)
{
	struct visit v = {.d = d, .r = r};

	find_session(&v);
	for (size_t i = 0; i < array_len(PAGES); i++) {
		if (strcmp(PAGES[i].path, http_path(r)) == 0 &&
			strcmp(PAGES[i].method, http_method(r)) == 0) {
			PAGES[i].fn(&v);
			return;
		}
	}
	if (rui_menu(&v))
		return;
	rui_note(&v, "other", http_path(r), "not_found", OP_NONE, false);
	rui_page(&v, v.d->latency.page, 404, "Not Found");
}
