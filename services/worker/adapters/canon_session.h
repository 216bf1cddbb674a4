// SPDX-License-Identifier: Apache-2.0
/* One session with a Canon machine: what its parts share. canon_login.c gets in and stays in,
 * canon_read.c and canon_write.c do the work, canon_rui.c is the adapter. */
#pragma once

#include "services/worker/adapters/canon_form.h"
#include "services/worker/adapters/snmp_device.h"
#include "services/worker/adapters/snmp_restart.h"
#include "services/worker/adapters/web.h"

#define CANON_RELEASE_MS 5000u

struct listing;
struct writing;

struct canon {
	struct errand *errand;
	struct web web;
	struct snmp_device snmp;
	struct snmp_restart restart;
	enum canon_login login;
	const char *login_page; /* of the newer UI: its hidden fields are sent back */
	size_t login_page_n;
	bool logged_in;
	bool again;       /* in this operation the login was lost once and made again */
	bool switch_open; /* password export is on, or may be: must be set back */
	bool releasing;   /* each request is short */
	void (*then)(struct canon *c); /* when logged in */
	size_t item;                   /* the one under way */
	struct listing *listing;       /* made when the first list is read */
	struct writing *writing;       /* made when the first list is written */
};

/* ---- ends the operation under way ---- */
void canon_done(struct canon *c, const struct fault *f);
void canon_fail(struct canon *c, int code, const char *detail);

/* ---- canon_login.c ---- */
void canon_probe(void *self);
/* Calls then in a session: the one there is, else after a login. */
void canon_enter(struct canon *c, void (*then)(struct canon *c));
/* The machine says that the session is gone: once again with a new login, then it is a matter of
 * rights. */
void canon_lost_session(struct canon *c, void (*then)(struct canon *c));
/* Whether an answer comes from a session that is alive: the status does not tell. */
bool canon_logged_in_page(const struct canon *c, const struct web_reply *r);
/* Passwords of entries come along only where the operator wants them (FL-20). From the moment of
 * asking the switch counts as open, until closing it is proven (DC-7). */
void canon_open_switch(struct canon *c, void (*then)(struct canon *c));
/* Then c->switch_open says whether it worked. */
void canon_close_switch(struct canon *c, void (*then)(struct canon *c));

/* ---- canon_read.c ---- */
void canon_read(void *self);
void canon_forget_listing(struct canon *c);

/* ---- canon_write.c ---- */
void canon_write(void *self);
void canon_forget_writing(struct canon *c);

/* ---- canon_foresee.c ---- */
int canon_foresee(const struct errand *e, struct m_device_plan *plan, struct fault *reterr);

/* ---- small things ---- */
/* Types II and III, which go through device setting values. */
static inline bool canon_by_values(const struct m_device *d)
{
	return d->type == DEVICE_TYPE_II || d->type == DEVICE_TYPE_III;
}
/* An item of import-export.md section 1 that is no list: an opaque file, simulated only. */
static inline bool canon_is_setting(const struct errand *e, const char *item)
{
	return !canon_by_values(e->device) && canon_aid(item) == 0;
}
/* An opaque file, not a list in the open. */
static inline bool canon_is_opaque(const struct errand *e, const char *item)
{
	return canon_by_values(e->device) || canon_is_setting(e, item);
}
/* The password of its file: the task's; an individual item has none. */
bool canon_password(
	const struct errand *e, const char *item, struct buf *out, struct fault *reterr);
/* Forms hold secrets. */
void canon_wipe(struct buf *b);
/* form is wiped. */
void canon_send_form(struct canon *c, const char *path, struct buf *form, web_fn fn);
