// SPDX-License-Identifier: Apache-2.0
/* What the files of this service share. A version on its way is a `draft`: bytes arrive on the bus
 * (draft.c), then store.c leads it through its steps; seal.c and batch.c are the blocking parts
 * that run on the work pool, sql.c the catalogue. Everything below is the loop thread's, except
 * where a step says so: a draft belongs to exactly one step at a time. */
#pragma once

#include "common/base/list.h"
#include "common/base/map.h"
#include "common/db/db.h"
#include "common/metrics/metrics.h"
#include "common/net/address.h"
#include "common/service/service.h"
#include "common/vault/keys.h"
#include "common/vault/manifest.h"
#include "common/vault/spool.h"
#include "common/vault/vault_dir.h"
#include "gen/config.h"
#include "gen/errors.h"
#include "gen/msg.h"

#define CHUNK_MAX 262144u
#define ITEM_MAX ((uint64_t)64 * 1024 * 1024)
#define VERSION_MAX ((uint64_t)256 * 1024 * 1024)
#define NATIVE_MAX 255u /* and one meta item */
#define DRAFT_MEMORY ((size_t)512 * 1024)
#define DRAFT_CALLS 4
#define DRAFT_TRIES 8
#define WRITER "carnet 0.1 protocol 1" /* in manifests and passports */

/* Where the sealed bytes of an item come from. */
enum place {
	PLACE_FRESH,  /* this draft writes the object */
	PLACE_SHARED, /* another draft of this process is writing the very same content */
	PLACE_KNOWN,  /* the catalogue has it */
};

/* A content that is being written by one draft and may be used by others meanwhile. */
struct making {
	uint8_t oid[OID_LEN];
	unsigned refs;
	bool ready, failed;
	struct list waiters; /* drafts */
	/* valid when ready */
	uint8_t key[KEY_LEN];
	uint64_t incarnation, replaces;
	struct object_sealed sealed;
};

struct item {
	char name[65];
	enum manifest_role role;
	enum object_kind kind;
	struct spool *plain;
	bool complete; /* its last chunk came */
	uint32_t entries;
	uint8_t oid[OID_LEN];

	enum place place;
	struct making *making; /* of a fresh or shared item */
	uint8_t key[KEY_LEN];
	uint64_t incarnation;
	uint64_t replaces; /* incarnation in the catalogue that nobody can open, 0 = none */
	struct object_sealed sealed;
	struct vault_file file; /* of a fresh item */
	bool written;           /* the fresh object is sealed; key, incarnation, sealed are ours */
	/* how the catalogue's key is wrapped, of a known item */
	struct uuid key_version, key_kek;
	unsigned key_item;
	uint8_t key_wrapped[WRAPPED_LEN], dek_wrapped[WRAPPED_LEN];
};

struct file;

enum draft_state { DRAFT_OPEN, DRAFT_WRITING, DRAFT_STORING, DRAFT_DONE };

struct draft {
	struct uuid stream;
	enum draft_state state;
	struct arena arena;
	struct m_store_begin ask;        /* texts in the arena */
	struct call *calls[DRAFT_CALLS]; /* who waits for the end; [0] during DRAFT_WRITING */
	size_t n_calls;
	uint64_t touched_ms; /* monotonic: last sign of the sender */
	uint64_t started_ms; /* monotonic: commit asked for */
	struct item *items[MANIFEST_ITEMS];
	size_t n_items;
	uint64_t bytes;
	bool torn;
	bool no_room;  /* begun when the vault was full: good for "unchanged" only */
	bool reserved; /* of a quota; the commit settles it */
	unsigned tries;
	struct list node; /* in making.waiters */

	/* from the catalogue, when staged */
	struct uuid version;
	uint64_t generation, prev_generation;
	uint8_t prev_digest[SHA256_LEN];
	uint64_t db_ms, db_mono_ms; /* database time, and ours then */

	/* made on the work pool */
	uint8_t wrapped_dek[WRAPPED_LEN];
	uint64_t verified_ms;
	struct manifest_item *sealed_items; /* as in the manifest */
	struct buf manifest;
	uint8_t digest[SHA256_LEN], signature[64];
	struct vault_file slot_file, manifest_file, sig_file;

	/* of one that this service makes itself: called once, at the end */
	void (*ended)(const struct draft *d, void *arg);
	void *ended_arg;
	struct file *file; /* of an uploaded file: what was found in it; else NULL */

	struct m_stored result; /* when done and fault.code is 0; flags static */
	const char *flags[MANIFEST_FLAGS];
	size_t n_flags;
	struct fault fault;
};

struct storage {
	struct service *service;
	const struct storage_config *config;
	struct uuid tenant;
	struct vault vault;
	struct keys keys;
	struct address_rules where; /* vaults on servers and mail servers may be (SE-9) */
	bool same_disk;             /* the override of ST-66 is in force */
	char placement[32];
	char warning[512];

	struct map drafts; /* by stream id */
	size_t open;       /* that hold a place of config->streams */
	struct list queue; /* begins that wait for a place */
	size_t queued;
	struct map making; /* by oid */
	struct db_batch *batch;
	struct db *pruner; /* the login that may erase (ST-49) */
	struct timer *tick;
	bool keeping;               /* the periodic look at the vault is under way */
	bool opened;                /* vault and keys are ours */
	bool registered;            /* the catalogue knows the vault */
	uint64_t owed_ms, stale_ms; /* monotonic: next rounds of recovery */
	struct {
		bool wanted, making;
		uint64_t due_ms;        /* monotonic: not before */
		uint64_t serial, at_ms; /* of the newest we know of */
	} passport;
	struct fault place_fault; /* why nothing may be written now; code 0 = may */
	uint64_t free_bytes;

	struct metric *committed, *unchanged, *failed, *bytes_in, *bytes_out, *seconds, *free,
		*same_disk_metric, *open_streams, *rollbacks, *strays;
};

extern struct storage app;

/* ---- draft.c: streams ---- */

/* Looks for the stream; answers the call with a fault when there is none. */
struct draft *draft_find(struct call *call, const struct uuid *stream);
/* A place for one more stream: now, or later by calling fn(arg). Answers busy when all is full. */
void draft_place(struct call *call, call_fn fn);
struct draft *draft_new(const struct m_store_begin *ask);
/* Gives the place back to the next in the queue. */
void draft_leave(void);
/* The item the chunk belongs to, made when it is new; NULL with a fault. */
struct item *draft_item(struct draft *d, const struct m_store_chunk *chunk, struct fault *reterr);
/* Ends it: d->fault or d->result goes to everybody who waits and to who asks again. */
void draft_done(struct draft *d);
void draft_forget(struct draft *d);
/* Leaves the content it shares or writes for others. */
void item_unshare(struct item *i);
/* Once in a while: silent streams end, ended ones are forgotten. */
void drafts_sweep(void);

/* ---- make.c: versions that this service makes itself ---- */

/* One version of kind `distribution`. plain belongs to it from now on. ended as in struct draft. */
void draft_make(struct call *call, const struct m_store_begin *ask, struct spool *plain,
	unsigned entries, void (*ended)(const struct draft *d, void *arg), void *arg);

/* ---- store.c: from the last byte to the committed version ---- */

void store_start(struct draft *d);
/* Once more from the catalogue on, because what it said is no longer true. */
void store_again(struct draft *d);
/* Answer texts of a verdict of the catalogue that is not good. */
int store_refused(const char *verdict, struct fault *reterr);
/* What the database said to a stream. One that is held up for too long is `busy`, one that was lost
 * `database`, like one that is not there: they charge nobody (RL-60). */
void catalogue_fault(const struct fault *f, struct fault *ret);
/* The same to somebody who only asks. */
void catalogue_refuse(struct call *call, const struct fault *f);
/* Room for an item per row of what a list has asked for; NULL: refused. */
void *catalogue_items(
	struct call *call, struct db_result **r, const struct fault *f, size_t size, size_t *ret_n);

/* ---- file.c: what people upload is read whole before anything of it is stored ---- */

/* done(d) later, with the draft's format, family and counts set; or with a fault; or with
 * file_refused. */
void file_check(struct draft *d, void (*done)(struct draft *d));
bool file_refused(const struct draft *d);
/* Puts what was found into the answer; it lives as long as the draft. */
void file_tell(const struct file *f, struct m_stored *result);
void file_free(struct file *f);

/* ---- seal.c: on the work pool ---- */

/* Checks and names all content; adds the meta item. */
void seal_names(struct draft *d);
/* Writes the fresh objects, opens the known ones. */
void seal_objects(struct draft *d);
/* Reads an object back from the medium and opens it; name: temporary or final. */
int seal_verify(const struct item *i, const char *name, struct fault *reterr) must_check;
/* The newest token in the manifests of this device (ST-20). */
int seal_mark(const struct uuid *device, struct mark *ret_mark, struct fault *reterr) must_check;

/* ---- batch.c: many versions, few flushes, one transaction ---- */

void batch_run(struct db_batch *b, void **items, size_t n, void *arg);

/* ---- recover.c ---- */

/* Signs committed versions whose signature is not on the medium, ends what is dead (ST-10, ST-56).
 */
void recover_owed(void);
/* Removes what is a day old and belongs to no committed version. */
void recover_stale(void);
/* done(arg, fault or NULL) once the signature of this version is on the medium. */
void recover_sign(
	const struct uuid *version, void (*done)(void *arg, const struct fault *f), void *arg);

/* ---- passport.c ---- */

/* From the keeper, every half second or so: makes one when it is wanted and due. */
void passport_tick(uint64_t now_ms);

/* ---- index.c: books that can be searched ---- */

#define INDEX_SWEEP_MS ((uint64_t)6 * 3600 * 1000)

void index_start(void);
/* A version was committed: read it now if there is room. */
void index_kick(void);
/* From the keeper, every half second or so. */
void index_tick(uint64_t now_ms);
/* Contents that stand on no device go, in the background. */
void index_sweep(void);

/* ---- keeper.c: the vault as a place, at start and while we run ---- */

int keeper_start(struct service *s, struct fault *reterr) must_check;
/* Everything is there and allowed: requests may be served. */
bool keeper_ready(struct service *s);

/* ---- chore.c: what one of the instances does from time to time ---- */

/* From the keeper. */
void chore_tick(uint64_t now_ms);

/* These chores now, one after the other, when no other one is under way; names ends with NULL. done
 * gets what they said, a sentence each. False: such an order is under way. */
bool chores_now(const char *const *names, void (*done)(bool well, const char *outcome));

/* ---- task_job.c: the tasks verify, drill and housekeeping (fleet.md section 11) ---- */

/* From the keeper: claims their jobs from the scheduler, holds their leases, reports. */
void task_job_tick(uint64_t now_ms);

/* Whom chores ask for runs; NULL = nobody is configured. */
struct peer *chore_scheduler(void);

/* Each calls done when it has ended, with a sentence; one that begins with "failed" says that
 * something is wrong. */
void prune_chore(void (*done)(const char *outcome));
void collect_chore(void (*done)(const char *outcome));
void rotate_chore(void (*done)(const char *outcome));
void stray_chore(void (*done)(const char *outcome));
void scrub_chore(void (*done)(const char *outcome));
void copy_chore(void (*done)(const char *outcome));
void mail_chore(void (*done)(const char *outcome));
void drill_chore(void (*done)(const char *outcome));

/* ---- on_version.c ---- */

/* Answers with this version as it is now. */
void version_answer(struct call *call, const struct uuid *id);

/* ---- on_quota.c ---- */

/* One thing more that a person takes out of the vault: counted, or refused when the quota of this
 * hour is used up. then(arg, true): go on; then(arg, false): undo, the call is answered after it.
 * What a service reads is not counted. */
void export_take(struct call *call, void (*then)(void *arg, bool may), void *arg);

/* ---- on_version_read.c: opened items ---- */

void readings_sweep(void);

/* ---- handlers ---- */

void on_store_begin(struct call *call);
void on_store_chunk(struct call *call);
void on_store_commit(struct call *call);
void on_store_abort(struct call *call);
void on_version_list(struct call *call);
void on_version_get(struct call *call);
void on_version_at(struct call *call);
void on_version_verify(struct call *call);
void on_version_open(struct call *call);
void on_version_read(struct call *call);
void on_vault_list(struct call *call);
void on_erase_list(struct call *call);
void on_erase_ask(struct call *call);
void on_erase_approve(struct call *call);
void on_version_entries(struct call *call);
void on_version_diff(struct call *call);
void on_entry_search(struct call *call);
void on_book_reindex(struct call *call);
void on_destination_import(struct call *call);
void on_destination_list(struct call *call);
void on_dist_book_save(struct call *call);
void on_dist_book_list(struct call *call);
void on_dist_book_get(struct call *call);
void on_retention_list(struct call *call);
void on_retention_put(struct call *call);
void on_retention_plan(struct call *call);
void on_prune(struct call *call);
void on_version_protect(struct call *call);
void on_version_unprotect(struct call *call);
void on_version_undo(struct call *call);
void on_file_delete(struct call *call);
void on_quota_get(struct call *call);
void on_quota_put(struct call *call);
void on_drill_list(struct call *call);
void on_vault_add(struct call *call);
void on_vault_key(struct call *call);
void on_vault_retire(struct call *call);
void on_vault_candidates(struct call *call);
void on_version_mail(struct call *call);
void on_mail_list(struct call *call);
void on_notice_mail(struct call *call);
void on_version_copies(struct call *call);

/* The word of a kind, as in the catalogue and the vault. */
const char *kind_word(enum version_kind kind);
enum version_kind kind_number(const char *word); /* 0 when unknown */
/* Read from a device, under its lock; else a file or a book of people, with an id of its own. */
bool kind_of_device(enum version_kind kind);
