// SPDX-License-Identifier: Apache-2.0
/* `carnet`: a client of the gateway and nothing else (docs/spec/fleet.md section 14). Data goes to
 * stdout, messages to stderr. What the files of this program share. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/clock/clock.h"
#include "gen/errors.h"
#include "gen/msg.h"
#include "gen/routes.h"

/* Exit codes (fleet.md section 14). */
enum {
	EXIT_DONE = 0,
	EXIT_ERROR = 1,
	EXIT_CHANGES = 2,
	EXIT_PARTIAL = 3,
	EXIT_REFUSED = 4,
	EXIT_AUTH = 5,
	EXIT_USAGE = 64,
	EXIT_LATER = 75,
	EXIT_SHOWN = -2, /* --dry-run: a request stands on stdout instead; 0 in the end */
};

/* Of `carnet book …`, like cmp and diff. */
enum {
	EXIT_BOOK_SAME = 0,
	EXIT_BOOK_DIFFERS = 1,
	EXIT_BOOK_ERROR = 2,
};

#define CLI_ARGS 64 /* flags */

struct flag {
	const char *name;  /* without --, '-' as typed */
	const char *value; /* "true" for a flag without a value */
	bool used;
};

/* One invocation. */
struct cli {
	const char *server; /* http://HOST:PORT or unix:PATH */
	const char *token;  /* NULL = none */
	const char *lang;   /* en fr ja */
	bool json, wide, yes, dry_run, color, tty;
	size_t terminal; /* cells in a line of it, 0 = unknown or none */
	uint32_t timeout_ms;
	const struct verb *verb;
	const char **args; /* words; a pattern of the shell may give thousands */
	size_t n_args;
	size_t n_before; /* of these stand before a "--"; all of them without one */
	struct flag flags[CLI_ARGS];
	size_t n_flags;
	struct loop *loop;
	struct http_client *http;
	char token_text[128];
};

struct verb {
	const char *noun, *name;
	const char *method, *path; /* of schemas/routes.tab; NULL when run does it all */
	const char *args;          /* positional words in the order of the path: "DEVICE" */
	const char *columns;       /* "name,state=STATE,counts.total=TARGETS": member=TITLE */
	const char *wide;          /* further columns with --wide */
	const char *extra;         /* flags of its own, for help: "--wait --every N" */
	const char *help;
	int (*run)(struct cli *c, const struct verb *v); /* NULL = verb_run */
};

extern const struct verb verb_table[];
extern const size_t verb_count;
const struct verb *verb_find(const char *noun, const char *name);
const struct route *verb_route(const struct verb *v);

/* ---- flags ---- */

/* NULL when not given; marks it used. */
const char *cli_flag(struct cli *c, const char *name);
/* Next value of a repeatable flag; *at begins at 0. */
const char *cli_flag_next(struct cli *c, const char *name, size_t *at);
/* Index of the language in the texts of gen/errors.h. */
size_t cli_lang(const struct cli *c);
/* Complains about flags nobody used. */
int cli_flags_done(struct cli *c);
/* Prints "carnet: …" to stderr, returns code. */
int cli_fail(int code, const char *fmt, ...) printf_like(2, 3);
/* A secret from --NAME-file, or asked on the terminal (twice = confirm). NULL after a message. */
char *cli_secret(struct cli *c, const char *name, const char *prompt, bool twice) must_check;
/* A line from a file, without its end. */
char *cli_read_line(const char *path) must_check;

/* ---- client.c ---- */

struct answer {
	long status;   /* 0 = no answer */
	bool shown;    /* --dry-run: the request was shown and not sent */
	json_t *json;  /* NULL when there is none; owned */
	char *headers; /* owned */
	struct fault fault;
};
void answer_fini(struct answer *a);
/* One request; body may be NULL (not consumed). path begins after /api/v1. Under --dry-run what
 * would change something is shown and not sent: -1, and client_problem() gives EXIT_SHOWN. */
int client_call(struct cli *c, const char *method, const char *path, const json_t *body,
	const char *const *headers, struct answer *ret) must_check;
/* The bytes of a file as the body of a POST; no time limit. */
int client_upload(
	struct cli *c, const char *path, struct span bytes, struct answer *ret) must_check;
void client_close(struct cli *c);
/* Streams the answer's body into fn until it ends or fn returns false. Returns the status or 0. */
long client_stream(struct cli *c, const char *path, bool (*fn)(void *arg, struct span bytes),
	void *arg, struct fault *reterr);
/* Prints the problem document of an answer and gives the exit code. */
int client_problem(const struct cli *c, const struct answer *a);

/* ---- request.c ---- */

/* The path with positional words put in, and the body or query from flags, by the descriptors. */
int request_build(struct cli *c, const struct verb *v, struct buf *path, json_t **ret_body,
	bool *ret_has_body) must_check;
/* Puts one flag or word into object[name] as the field's type wants it. */
int request_put(json_t *object, const struct msg_desc *desc, const char *name, const char *value);
void request_escape(struct buf *out, const char *s);
/* What the JSON body of a route is made of. */
const struct msg_desc *request_body(const struct route *r);
const struct msg_field *request_field(const struct msg_desc *d, const char *name);
/* true yes on 1, false no off 0, of any case; -1 = neither. */
int request_bool(const char *text, bool *ret) must_check;

/* ---- the verbs that are more than one call ---- */

int verb_run(struct cli *c, const struct verb *v);
/* The same with members of the body that are no flags. */
int verb_run_with(struct cli *c, const struct verb *v, json_t *more);
int run_device_import(struct cli *c, const struct verb *v);
int run_discover(struct cli *c, const struct verb *v);
int run_candidate_enrol(struct cli *c, const struct verb *v);
int run_task_create(struct cli *c, const struct verb *v);
int run_task_when(struct cli *c, const struct verb *v);
int run_task_run(struct cli *c, const struct verb *v);
int run_window_create(struct cli *c, const struct verb *v);
int run_window_set(struct cli *c, const struct verb *v);
int run_run_watch(struct cli *c, const struct verb *v);
int run_file_add(struct cli *c, const struct verb *v);
int run_plan_restore(struct cli *c, const struct verb *v);
int run_plan_import(struct cli *c, const struct verb *v);
int run_plan_settings(struct cli *c, const struct verb *v);
int run_destinations_import(struct cli *c, const struct verb *v);
int run_destinations_list(struct cli *c, const struct verb *v);
int run_dist_book_create(struct cli *c, const struct verb *v);
int run_dist_book_save(struct cli *c, const struct verb *v);
int run_dist_book_show(struct cli *c, const struct verb *v);
int run_dist_set_create(struct cli *c, const struct verb *v);
int run_plan_distribute(struct cli *c, const struct verb *v);
int run_plan_show(struct cli *c, const struct verb *v);
int run_apply(struct cli *c, const struct verb *v);
int run_restore(struct cli *c, const struct verb *v);
int run_confirm(struct cli *c, const struct verb *v);
int run_revert(struct cli *c, const struct verb *v);
int run_deliver(struct cli *c, const struct verb *v);
int run_lock_acquire(struct cli *c, const struct verb *v);
int run_lock_explain(struct cli *c, const struct verb *v);
int run_lock_watch(struct cli *c, const struct verb *v);
int run_run_rerun(struct cli *c, const struct verb *v);
int run_backup_now(struct cli *c, const struct verb *v);
int run_version_list(struct cli *c, const struct verb *v);
int run_version_mail(struct cli *c, const struct verb *v);
int run_version_show(struct cli *c, const struct verb *v);
int run_version_diff(struct cli *c, const struct verb *v);
int run_search(struct cli *c, const struct verb *v);
int run_version_export(struct cli *c, const struct verb *v);
int run_retention_plan(struct cli *c, const struct verb *v);
int run_retention_prune(struct cli *c, const struct verb *v);
int run_vault_add(struct cli *c, const struct verb *v);
int run_version_verify(struct cli *c, const struct verb *v);
int run_cred_set(struct cli *c, const struct verb *v);
int run_hook_save(struct cli *c, const struct verb *v);
int run_user_create(struct cli *c, const struct verb *v);
/* --assign of people and tokens: NULL when there is none; owned. An exit code after a message. */
int assignments_read(struct cli *c, json_t **ret) must_check;
int run_assigned(struct cli *c, const struct verb *v);
int run_scope_list(struct cli *c, const struct verb *v);
int run_setup(struct cli *c, const struct verb *v);
int run_book_check(struct cli *c, const struct verb *v);
int run_book_convert(struct cli *c, const struct verb *v);
int run_book_diff(struct cli *c, const struct verb *v);
int run_book_merge(struct cli *c, const struct verb *v);
int run_book_search(struct cli *c, const struct verb *v);
int run_book_show(struct cli *c, const struct verb *v);
/* What --help says about a verb of `book`, or of `lock`, beyond its line. */
void book_help(const struct verb *v);
void lock_help(const struct verb *v);
int run_audit_verify(struct cli *c, const struct verb *v);
int run_status(struct cli *c, const struct verb *v);
int run_explain(struct cli *c, const struct verb *v);
int run_completion(struct cli *c, const struct verb *v);

/* Watches a run to its end, prints the result; exit code after its state. */
int watch_run(struct cli *c, const char *run_id);
/* The same without printing: the run as it ended (a plan: as it waits), owned; NULL after a message
 * with *ret_rc. */
json_t *watch_until(struct cli *c, const char *run_id, int *ret_rc) must_check;
void watch_outcomes(struct cli *c, const char *run_id);
int watch_exit(const json_t *run);
/* Id of a device, task … by name or id; NULL after a message. Owned. */
char *resolve_device(struct cli *c, const char *ref) must_check;
/* The same of an address book's version: an id, DEVICE, DEVICE@WHICH as in version_ref.c. */
char *resolve_version(struct cli *c, const char *ref) must_check;
/* The version itself, as the server gives it; kind: address_book, settings. */
json_t *version_ref(struct cli *c, const char *ref, const char *kind) must_check;
/* The book of a version as the server reads it, all pages; list: its slot or NULL. Owned. */
json_t *version_entries(struct cli *c, const char *id, const char *list, int *ret_rc) must_check;
/* Id of a distribution book by name or id. Owned; NULL after a message. */
char *resolve_dist_book(struct cli *c, const char *ref) must_check;
/* A day (its end, local) or a time as the server takes it. */
bool cli_time(const char *text, char ret[static CLOCK_RFC3339]) must_check;
/* Targets that the flags name, into a task's targets; were there any? */
bool task_targets(struct cli *c, json_t *targets);
/* When it fires, by flags, as task.schedule; an exit code after a message. */
int schedule_flags(struct cli *c, json_t *task);
/* "mon" … "sun": 1 = Monday; 0 = no weekday. */
int cli_weekday(const char *word);
/* An object as it was saved, with the sentence that the server says about it. */
void cli_saved(const struct cli *c, const json_t *object);

/* ---- file.c ---- */

/* Uploads a file and gives its version, as the server answers. name: NULL = the
 * path's; as: NULL or "opaque". NULL after a
 * message, *ret_rc is the exit code. */
json_t *file_upload(
	struct cli *c, const char *path, const char *name, const char *as, int *ret_rc) must_check;

/* ---- table.c ---- */

/* Rows from anywhere: cell adds the text of row and member, escaped; it is asked twice. On a
 * terminal long cells are cut so that a row fits, unless --wide is given. */
struct listing {
	const char *columns, *wide; /* as in struct verb */
	size_t n;
	void (*cell)(const void *arg, size_t row, const char *member, struct buf *out);
	const void *arg;
};
void table_rows(const struct cli *c, const struct listing *t);
/* rows: array of objects. columns as in struct verb. */
void table_print(const struct cli *c, const json_t *rows, const char *columns, const char *wide);
/* One object, a line per member. */
void table_object(const struct cli *c, const json_t *object);
/* Text of a JSON value for people: times local, bytes with unit by member name. */
void table_value(struct buf *out, const char *member, const json_t *value);
/* Cells wide on a terminal; control and bidi characters are shown escaped (SE-29). */
void safe_text(struct buf *out, const char *s);
size_t table_width(const char *s);
void print_json(const json_t *j);
