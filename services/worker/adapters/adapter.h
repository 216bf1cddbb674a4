// SPDX-License-Identifier: Apache-2.0
/* The door to a device family (docs/spec/devices.md section 2). An adapter is a non-blocking state
 * machine on the worker's loop: one session per device, thousands per process. It reads no clock,
 * logs nothing, blocks never, and keeps its memory in the errand's arena.
 *
 *     self = adapter->open(errand)
 *     adapter->probe(self)      -> errand->done        who is it, what can it do
 *     adapter->busy(self)       -> errand->done        what goes on there
 *     adapter->read(self)       -> item, bytes …, item_end, … done
 *     adapter->identify(self)   -> errand->done        still the same one (ST-4)
 *     adapter->write(self)      -> done                errand->wanted, over errand->before (DV-4)
 *     adapter->lift(self)       -> done                its book may be read, after a restart
 * (FL-45) adapter->restart(self)    -> done                and it answers again (DV-21)
 *     adapter->release(self)    -> errand->done        on every path, at most 5 s (DV-3)
 *
 * read may come several times in a session: before a write, after it, after a revert. So may write:
 * it is idempotent, the second one puts the old state back.
 *
 * One operation at a time. Each ends with exactly one done(), maybe from inside the call. cancel()
 * ends the operation under way at once, connections are reset, and done() is not called; release()
 * may follow. All memory goes with the arena. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "common/http/client.h"
#include "common/loop/loop.h"
#include "gen/msg.h"

struct profile;

/* A credential in the open: made just before use, wiped right after (FL-15). Absent members are "".
 */
struct credential {
	char kind[32];
	char user[256], password[256], id[64], pin[64], domain[256];
	char community_read[256], community_write[256];
	char auth_protocol[16], auth_password[256], privacy_protocol[16], privacy_password[256];
	char context[256];
};

/* What a device holds, or shall hold. */
struct image_item {
	const char *name;  /* list_1 … address_book, settings, an item of import-export.md */
	struct span bytes; /* as adapter->codec writes them, or as the device gave them */
};
struct image {
	const struct image_item *item; /* in the device's order */
	size_t n_items;
	const struct book *book; /* all items as one book; NULL = not an address book */
};

/* What one job tells the adapter, and what it hears back. */
struct errand {
	/* ---- given ---- */
	struct loop *loop;
	struct http_client *http;
	struct arena *arena; /* of this session, capped */
	const struct m_device *device;
	const char *ip;           /* the address chosen and checked: every packet goes there */
	const char *const *items; /* what to read, in order: list_1 …, settings */
	size_t n_items;
	const struct m_sealed_credential *credentials; /* in order of preference */
	size_t n_credentials;
	const struct credential_keys *keys;
	/* set to a credential that was opened and is one that every new device has, when nobody
	 * knew (FL-16) */
	const struct m_sealed_credential **factory;
	const struct m_task_settings *settings; /* of the task, NULL = none */
	bool throwaway; /* nothing is kept: any encryption password will do */
	const struct profile *profile;
	uint64_t (*wall_ms)(void); /* people's time: some forms carry it */
	uint32_t probe_ms;         /* deadline of one SNMP question */

	/* ---- given before write; they live until its done() ---- */
	const struct image *before; /* what read brought, in this session */
	const struct image *wanted; /* only items that differ from before; the book is whole */
	/* what a device itself once said, in this codec, and wanted is made of: a backup, a
	 * pre-image; when the old state is put back, that. NULL = none */
	const struct image *source;

	/* ---- called ---- */
	void *arg;
	/* The operation under way ended; f NULL = well. f is valid during the call. */
	void (*done)(void *arg, const struct fault *f);
	/* Bytes of an item, in order: item, bytes…, item_end. bytes may say HTTP_PAUSE: the same
	 * bytes come again after adapter->resume. */
	void (*item)(void *arg, const char *name);
	enum http_flow (*bytes)(void *arg, struct span bytes);
	void (*item_end)(void *arg, uint64_t entries);
	/* The device has no such list: no error (FL-44). Instead of item … item_end. */
	void (*item_absent)(void *arg, const char *name);
	/* Around every callback of a library into an adapter: the session moves (FL-52), and is the
	 * one to blame if the process dies now (RL-15). arg may be gone at leave. */
	void (*enter)(void *arg);
	void (*leave)(void);

	/* ---- found, all in the arena, NULL = not said ---- */
	struct {
		const char *serial, *device_uuid, *mac, *model, *firmware, *language, *charset;
		const char *text;   /* the device's own words, of a refusal */
		const char *ops[8]; /* operations in progress: ids of matrix.csv */
		size_t n_ops;
		bool busy_unknown; /* the device could not be asked */
		enum device_type type;
		struct m_capability capabilities[8];
		size_t n_capabilities;
		uint32_t retry_ms;     /* Retry-After */
		uint64_t change;       /* the device's change counter, 0 = none (ST-13) */
		bool restart_required; /* it said so after the write (B2) */
		/* of a write: what the device took and what it did not, by item; a refused item
		 * with its cause's word, a corrected one with the device's text */
		struct item_verdict {
			const char *item, *detail;
			enum item_result result;
		} verdicts[40];
		size_t n_verdicts;
		const char *const *refused; /* names that the last write left as they were */
		size_t n_refused;
	} seen;
};

/* How well a function is known (devices.md section 1), best first. */
enum grade { GRADE_A = 'A', GRADE_B = 'B', GRADE_C = 'C', GRADE_D = 'D' };

/* What an adapter can do, by kind of job. */
struct skill {
	const char *kind; /* of task: ab.backup … ab.restore settings.restore file.deliver … */
	enum grade grade;
};

struct adapter {
	const char *family;
	const char *codec;          /* of its address books (common/book), NULL = none */
	const struct skill *skills; /* ends with kind NULL */
	/* such jobs on such devices: nothing public says how; NULL = none */
	bool (*simulated_only)(const struct m_device *device, const char *kind);
	void *(*open)(struct errand *e); /* NULL = out of the arena */
	void (*probe)(void *self);
	void (*busy)(void *self);
	void (*read)(void *self);
	void (*resume)(void *self);
	void (*identify)(void *self);
	/* Pure, before anything is written: what writing wanted over before means in this family's
	 * words, beyond what the books say: counts of settings, what the device destroys besides
	 * (H1–H9), items it will not take. NULL = nothing to add. */
	int (*foresee)(const struct errand *e, struct m_device_plan *plan, struct fault *reterr);
	/* Pure: does the device, which shows seen, hold all of wanted that it takes? Of items that
	 * are no book: before a write (nothing to do?), after it, after a revert, and when looking
	 * (C4). e->seen is that of the last write. NULL = equal bytes. */
	bool (*same)(const struct errand *e, const struct image_item *wanted,
		const struct image_item *seen);
	/* NULL where nothing public says how: unsupported_operation (AB-38). All that a write
	 * changes is either done or can be seen by read. done(NULL) says only that the device did
	 * not refuse: the read-back decides (V1). */
	void (*write)(void *self);
	/* Switches off what keeps the book from being read. NULL = nothing does, or nobody knows.
	 */
	void (*lift)(void *self);
	void (*restart)(void *self); /* NULL = cannot */
	void (*release)(void *self);
	void (*cancel)(void *self);
};

/* NULL when no adapter serves the family. */
const struct adapter *adapter_find(const char *family);
/* Families served here, NULL-terminated. */
const char *const *adapter_families(size_t *ret_n);

/* What it knows about this kind of job; NULL = nothing. */
const struct skill *adapter_skill(const struct adapter *a, const char *kind);

/* May this kind of job run on this device (FL-12, FL-47, FL-56)? 0, or -1 with CN_UNSUPPORTED_… or
 * CN_CAPABILITY_UNPROVEN. */
int adapter_allows(const struct adapter *a, const struct m_device *d, const char *kind,
	struct fault *reterr) must_check;

/* ---- for adapters ---- */

/* Port of a service by the device's record, else the family's default. */
uint16_t errand_port(const struct errand *e, const char *service, uint16_t otherwise);
/* Value of a label, NULL = none. */
const char *errand_label(const struct errand *e, const char *key);
/* Opens the first credential whose kind is one of kinds (NULL-terminated). false and a fault:
 * CN_AUTH_MISSING (none of these kinds, or it does not open). Wipe it after use. */
bool errand_credential(const struct errand *e, const char *const *kinds, struct credential *ret,
	struct fault *reterr);
/* The task's encryption password, appended to out. Wipe it after use. */
bool errand_password(const struct errand *e, struct buf *out, struct fault *reterr);
/* What it runs, as it said just now, else as it said last; may be NULL or "". */
const char *errand_firmware(const struct errand *e);
void errand_capability(struct errand *e, const char *name, enum capability_result result,
	enum grade grade, const char *method);
/* Names an operation in progress, once. */
void errand_op(struct errand *e, const char *op);
/* Copies text of a device into the arena: at most max bytes, control characters as '?', bytes
 * outside UTF-8 as '?'. NULL for none. */
const char *errand_text(const struct errand *e, const void *p, size_t n, size_t max);

extern const struct adapter adapter_canon_rui, adapter_ipp, adapter_snmp, adapter_konica_openapi;
extern const struct adapter adapter_kyocera_wsdl;
extern const struct adapter adapter_ricoh_udirectory;
extern const struct adapter adapter_jetdirect_ftp;
