// SPDX-License-Identifier: Apache-2.0
/* A simulated Ricoh: its directory of objects and its one session. */
#pragma once

#include "common/base/arena.h"
#include "services/simulator/sim.h"

enum { RICOH_PROPS = 47 };

/* A property that these machines know. */
struct ricoh_known {
	const char *name;
	const char *otherwise; /* its value in an object that says nothing */
	uint32_t max;          /* characters; 0 = as it likes */
	bool hidden;           /* a password: taken, never told */
};
extern const struct ricoh_known ricoh_known[RICOH_PROPS];
/* -1 = no such property */
int ricoh_prop(const char *name);

struct ricoh_object {
	uint32_t id;
	bool built_in;
	char *value[RICOH_PROPS]; /* NULL = as nobody said */
};

struct ricoh_store {
	struct ricoh_object *v; /* in the order of index, the machine's own last */
	size_t n, cap;
	uint32_t next_id;
	bool changed; /* kept when the session ends */
};

struct ricoh {
	struct ricoh_store *store; /* NULL = as generated, and nobody looks */
	char session[24];          /* "" = none */
	bool exclusive;
	bool stranger; /* somebody else's, of the control port */
	struct timer *limit;
	uint64_t boot_ms; /* when it was opened */
	uint32_t opened, expired, calls;
	uint32_t unknown; /* properties that nobody published, or values: sent to it (DV-14) */
	bool flip;        /* mp_22_half: every other change */
};

struct ricoh *ricoh_of(struct device *d);
uint32_t ricoh_at_once(const struct device *d);
const char *ricoh_user(const struct fleet *f);
const char *ricoh_password(const struct fleet *f);

/* ---- ricoh_store.c ---- */
/* What the machine holds now. */
struct ricoh_store *ricoh_store(struct device *d);
void ricoh_store_free(struct ricoh_store *s);
/* Forgets what can be made again. */
void ricoh_store_rest(struct device *d);
const char *ricoh_value(const struct ricoh_object *o, int prop);
const char *ricoh_get(const struct ricoh_object *o, const char *name);
void ricoh_set(struct ricoh_object *o, int prop, const char *value);
struct ricoh_object *ricoh_find(struct ricoh_store *s, uint32_t id);
/* A new object at the end, empty, with an id of its own. */
struct ricoh_object *ricoh_add(struct ricoh_store *s);
void ricoh_remove(struct ricoh_store *s, uint32_t id);
/* After changes: the order of index, a free index for who has none; counts as a change. */
void ricoh_settle(struct device *d);
/* Would the machine take it beside the others? NULL = yes, else the code of its fault. */
const char *ricoh_refuses(const struct ricoh_store *s, const struct ricoh_object *o);
/* Adds the machine's own objects. */
void ricoh_add_own(struct ricoh_store *s);

/* ---- ricoh_json.c ---- */
json_t *ricoh_to_json(struct device *d);
/* Replaces all objects but the machine's own. */
int ricoh_from_json(struct device *d, const json_t *entries, struct fault *reterr) must_check;
/* Changes one ({id, …}) or makes it. */
int ricoh_edit(struct device *d, json_t *j, struct fault *reterr) must_check;

/* ---- ricoh_session.c ---- */
/* The session that counts now; NULL = none. Ends those of before a restart. */
struct ricoh *ricoh_session(struct device *d);
void ricoh_open(struct device *d, bool exclusive, bool stranger, uint64_t ms);
void ricoh_close(struct device *d, const char *result);

/* ---- ricoh_soap.c ---- */
void ricoh_serve(struct device *d, struct http_request *r);
