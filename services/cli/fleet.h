// SPDX-License-Identifier: Apache-2.0
/* The fleet as code: a file says how sites, devices, groups, credentials, tasks, windows and
 * distribution sets shall be, `carnet apply -f` makes them so, `carnet export` writes such a file.
 * What a file and the server say is brought into one form, the file's, and compared member by
 * member.
 *
 *   fleet_file.c   file → wanted items, every fault with its place
 *   fleet_state.c  server → items in the same form, references by name
 *   fleet_check.c  references, circles, doubles, zones, filters: before anything is changed
 *   fleet_plan.c   what is to be created, changed, deleted: pure
 *   fleet_show.c   the plan for people and programs     fleet_apply.c  the plan done
 *   fleet_csv.c    devices as a table, both ways        fleet_export.c YAML, JSON, CSV */
#pragma once

#include "common/base/map.h"
#include "common/text/doc.h"
#include "services/cli/cli.h"

/* Sections of a file, in the order of who needs whom; then what is only named in one. */
enum fleet_kind {
	F_SITE,
	F_DEVICE,
	F_GROUP,
	F_CREDENTIAL,
	F_TASK,
	F_WINDOW,
	F_SET,
	FLEET_SECTIONS,
	F_BOOK = FLEET_SECTIONS,
	FLEET_KINDS
};

enum fleet_shape {
	SHAPE_FIELD,  /* as the message has it */
	SHAPE_PAIRS,  /* {http: 8000} for a list of pairs */
	SHAPE_NAME,   /* a name of another kind */
	SHAPE_NAMES,  /* a list of such, without order */
	SHAPE_SERIES, /* a list of such, whose order counts */
	SHAPE_SECRET, /* a path of a file: read when something is created, never compared */
};

struct fleet_member {
	const char *name;
	enum fleet_shape shape;
	enum fleet_kind of; /* SHAPE_NAME, SHAPE_NAMES, SHAPE_SERIES */
	bool required;      /* to create one */
	bool always;        /* its zero is not what is made when it is absent: it is exported */
};

struct fleet_noun {
	const char *noun, *section, *path;
	const struct msg_desc *desc;
	const struct fleet_member *members; /* in the order in which they are written */
	size_t n_members;
};
extern const struct fleet_noun fleet_nouns[FLEET_KINDS];
/* Members of nested structs that name others ("targets.groups"), or are not of the file. */
const struct fleet_member *fleet_inner(const struct fleet_noun *noun, const char *path);
const struct fleet_member *fleet_inners(const struct fleet_noun *noun, size_t *ret_n);
/* The object that holds it, and its name there ("groups"); NULL where there is none. */
json_t *fleet_holder(const json_t *body, const char *path, const char **ret_name);
bool fleet_hidden(const char *path);
const struct fleet_member *fleet_member(const struct fleet_noun *noun, const char *name);

struct fleet_item {
	json_t *body;         /* in the file's form, owned */
	const struct doc *at; /* where it stands; NULL: of the server */
	struct fleet_item
		*is;    /* wanted: what it is on the server; had: what is wanted. NULL = none */
	const char *id; /* of the server, in raw */
	json_t *raw;    /* as the server gave it, owned; NULL: of a file */
	json_int_t version;
	bool gone;               /* a retired device */
	bool unclear;            /* wanted: it could be several devices of the server */
	struct fleet_item *same; /* another one of this name; NULL = none */
};

struct fleet_list {
	struct fleet_item *items;
	size_t n, cap;
	bool given;         /* the file has such a section */
	struct map by_name; /* → item, without what is gone */
};

struct fleet {
	struct fleet_list list[FLEET_KINDS];
};
void fleet_fini(struct fleet *f);
/* Appends; the pointer holds until the next one. */
struct fleet_item *fleet_add(struct fleet *f, enum fleet_kind kind);
struct fleet_item *fleet_named(const struct fleet *f, enum fleet_kind kind, const char *name);
/* After all were added: by_name. */
void fleet_index(struct fleet *f);
const char *fleet_text(const json_t *body, const char *member);
/* Calls fn for each name that it refers to by m, the place-th of its list. */
typedef void fleet_name_fn(void *arg, const struct fleet_member *m, size_t place, const char *name);
void fleet_names(const struct fleet_noun *noun, const json_t *body, fleet_name_fn *fn, void *arg);
/* Who a device is (FL-2): empty without a serial number; a vendor is one however it is written. */
void fleet_serial_key(const json_t *device, struct buf *key);
/* Of this name there is another one, and nothing tells them apart: names are free for devices that
 * have serial numbers. */
bool fleet_twice(enum fleet_kind kind, const struct fleet_item *item);
/* A credential is for one of these. */
bool fleet_binding(const char *member);
/* Of a task: the file's word, else the server's. */
const char *fleet_task_kind(const struct fleet_item *task);

/* Faults of a file, with places; the first 20 are said. */
struct fleet_source {
	struct cli *cli;
	const char *file; /* as given */
	char *folder;     /* paths of secrets are of here */
	size_t faults;
};
/* word: of schemas/errors.tab; path: "devices[3].ports"; fmt: what exactly, "" = nothing more. */
void fleet_wrong(struct fleet_source *s, const struct doc *at, const char *path, const char *word,
	const char *fmt, ...) printf_like(5, 6);

/* Reads and checks the form. 0, or an exit code after messages. The arena holds the places. */
int fleet_read_file(struct fleet_source *s, struct arena *arena, struct fleet *ret) must_check;
int fleet_read_csv(struct fleet_source *s, struct span text, struct arena *arena,
	const struct doc **ret) must_check;
/* All of the server's. 0, or an exit code after a message. */
int fleet_read_state(struct cli *c, struct fleet *ret) must_check;
/* An item in the file's form without its zeros, nulls and empty ones; names sorted. Owned. */
json_t *fleet_clean(const struct fleet_noun *noun, const char *path, const json_t *v);

/* What is wanted against what is there: every fault is said; 0 or an exit code. */
int fleet_check(
	struct fleet_source *s, const struct fleet *want, const struct fleet *have) must_check;
/* Questions that only the server can answer, of what would be changed. */
struct fleet_plan;
int fleet_check_server(struct fleet_source *s, const struct fleet_plan *plan) must_check;

enum fleet_act { ACT_CREATE, ACT_CHANGE, ACT_DELETE };
struct fleet_change {
	enum fleet_kind kind;
	enum fleet_act act;
	const char *name;
	const struct fleet_item *want, *have; /* NULL where there is none */
	json_t *fields;     /* member → {"from", "to"}: of what differs; owned */
	json_t *secret;     /* read just before the plan is done; owned */
	json_int_t version; /* of what was read, then of what was written */
};
struct fleet_plan {
	const struct fleet *server;   /* as it was read */
	struct fleet_change *changes; /* in the order in which they are done */
	size_t n, cap;
	size_t counts[3];         /* by act */
	size_t kept[FLEET_KINDS]; /* there, not in the file, not to be deleted */
};
/* Finds out who is who (item.is); before fleet_check. */
void fleet_match(struct fleet *want, struct fleet *have);
void fleet_plan_make(struct fleet *want, struct fleet *have, bool prune, struct fleet_plan *ret);
void fleet_plan_fini(struct fleet_plan *p);

void fleet_show(const struct cli *c, const struct fleet_plan *p);
/* Secrets of what is made are read before the first change. An exit code. */
bool fleet_secrets(struct fleet_source *s, struct fleet_plan *p) must_check;
int fleet_do(struct fleet_source *s, struct fleet_plan *p) must_check;

void fleet_write_yaml(struct buf *out, const struct fleet *f);
json_t *fleet_write_json(const struct fleet *f) must_check;
void fleet_write_csv(struct buf *out, const struct fleet *f);

int run_fleet_apply(struct cli *c, const char *file);
int run_fleet_export(struct cli *c, const struct verb *v);
void fleet_help(const struct verb *v);
