// SPDX-License-Identifier: Apache-2.0
/* The simulated fleet: what a printer is, what it is doing, and what goes wrong with it.
 * Everything that a device starts with derives from the fleet file and the seed. Loop thread only.
 */
#pragma once

#include <netinet/in.h>

#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/http/server.h"
#include "common/loop/loop.h"
#include "common/msg/msg.h" /* home of jansson */
#include "gen/matrix.h"
#include "services/simulator/rng.h"

enum { ITEMS = 15, SESSIONS = 4, LANGUAGES = 3 };

enum device_type { TYPE_NONE, TYPE_I, TYPE_II, TYPE_III };

/* What a print-only model lacks, and what the fleet file does to a device. */
enum device_trait {
	TRAIT_UNSUPPORTED = 1,
	TRAIT_UNREACHABLE = 2,
	TRAIT_WRONG_PASSWORD = 4,
	TRAIT_RESTRICTED = 8, /* Restrict Receiving for Each Function is on */
	TRAIT_BUSY = 16,
	TRAIT_HOSTILE = 32,
};

/* Hostile behaviours; names in hostile.c. */
enum mp {
	MP_NONE,
	MP_01,
	MP_02,
	MP_03,
	MP_04,
	MP_05,
	MP_06,
	MP_06_SHORT,
	MP_06_NEGATIVE,
	MP_06_HUGE,
	MP_06_TWICE,
	MP_07,
	MP_08, /* a gzip bomb */
	MP_10, /* XML: billion laughs */
	MP_11, /* an external entity */
	MP_12, /* a million elements deep */
	MP_13, /* LDIF: a folded line without end, junk base64, a file URL */
	MP_14, /* no text: NUL, bytes of no charset, two byte order marks, a line a million columns
		  wide */
	MP_15, /* values with formulas, script, format strings, terminal escapes */
	MP_16, /* redirect to another machine */
	MP_17, /* redirect loop */
	MP_21,
	MP_21_HALF,
	MP_21_CUT,
	MP_22,      /* says OK to an import, keeps the old data */
	MP_22_HALF, /* says OK, took half */
	MP_23,
	MP_23_HALF,
	MP_24,       /* restarts in the import */
	MP_24_TWICE, /* entry numbers doubled */
	MP_HTTP_500,
	MP_HTTP_503,
	MP_SESSION_LOST, /* forgets who is logged in */
	MP_COUNT,
};

struct device;
struct fleet;
struct visit;

/* How the devices of one maker's interface speak. A new family is a file with one of these, and a
 * line in family.c. */
struct family {
	const char *key; /* as the adapters have it: canon_rui … */
	const char *vendor, *firmware;
	const char *service; /* key of its port in the map */
	uint16_t port;       /* where it listens when each device has its own address */
	/* a model for this device; r is the device's stream of the fleet */
	const struct model *(*pick)(const struct device *d, struct rng *r);
	void (*serve)(struct device *d, struct http_request *r);
	/* forgets what people and Carnet changed; d->state is the family's own. NULL = none */
	void (*reset)(struct device *d);
	/* kind and members of the credential that lets Carnet in, new; NULL = system manager */
	json_t *(*credential)(const struct fleet *f);
	/* the control port below /devices/{id}: tried before what all devices have (/book, /edit,
	 * …); false = not mine. NULL = none */
	bool (*control)(struct device *d, struct http_request *r, const char *path);
	/* adds members to the state that the control port shows. NULL = none */
	void (*show)(const struct device *d, json_t *state);
};

struct model {
	const char *name;
	enum device_type type;
	bool utf8; /* else Windows-1252 */
	bool unsupported;
};

struct site {
	char *name, *region, *time_zone, *language;
	uint32_t weight;
};

/* Milliseconds of each phase; jitter in per cent of them. */
struct latency {
	uint32_t login, page, export, import, jitter;
};

/* When a device misbehaves. */
enum fault_at { AT_CONNECT, AT_EXPORT, AT_IMPORT, AT_REQUEST };

struct fault_plan {
	enum mp mp;
	enum fault_at at;     /* on every connection, or at what it is asked */
	uint32_t per_mille;   /* probability */
	uint32_t skip;        /* so many times it behaves first */
	uint32_t times;       /* 0 = until told */
	uint32_t after_bytes; /* of the body, where the behaviour needs it */
};

struct session {
	char id[17]; /* "" = free */
	bool ir;     /* has been given its IR cookie */
	uint32_t requests;
	uint64_t last_ms;
};

/* An operation in progress. */
struct running {
	struct list node;
	struct device *device;
	enum op op;
	enum { RUN_ACTIVE, RUN_PAUSED, RUN_DEFERRED } state;
	struct timer *timer; /* NULL = until told */
	uint64_t since_ms;
	uint32_t seconds;
};

struct sim_list;

struct device {
	struct sim *sim;
	uint32_t index;
	const struct family *family;
	const struct model *model;
	const struct site *site;
	uint32_t language; /* en fr ja */
	char firmware[32]; /* it was updated; "" = its family's */
	uint32_t traits;
	uint32_t address; /* host order */
	uint16_t http_port, snmp_port;
	char name[24], serial[16];

	/* sockets; -1 and NULL while it is off */
	int http_fd, snmp_fd;
	struct loop_watch *http_watch, *snmp_watch;
	int fill[4]; /* mp_01: our own connections that fill the backlog */
	bool off;
	struct timer *power; /* a restart or shutdown in course */
	bool reset_asked;    /* over SNMP: restarts when the answer is out */
	bool lift_asked;     /* the receive restriction is off after the next restart */

	/* state */
	uint64_t boot_ms;
	uint32_t config_changes;
	struct session sessions[SESSIONS];
	uint32_t last_session; /* index + 1 of the one that spoke last */
	uint32_t session_count;
	bool passwords_open; /* ADRSEXPPSWDCHK=0 */
	struct list running;
	uint32_t exporting; /* exports being answered, imports being taken */
	struct fault_plan fault;
	struct latency latency;
	struct rng jitter;

	/* what people changed: NULL = as generated */
	struct sim_list **kept; /* per item */
	struct buf *raw;        /* per item, exact bytes */
	void *state;            /* the family's own, see family->reset */
};

struct stats {
	uint64_t requests, logins, logins_refused, exports, exports_busy, exports_refused;
	uint64_t imports, imports_busy, imports_refused, imports_interrupted;
	uint64_t session_overlaps, export_overlaps, factory_resets, restarts;
	uint64_t connections, dropped, hostile, snmp;
};

struct fleet {
	uint64_t seed;
	uint32_t count;
	json_t *spec; /* the fleet file */
	struct site *sites;
	size_t n_sites;
	struct latency latency;
	const char *id, *pin; /* of the system manager */
	const char *community_read, *community_write;
	uint32_t restart_ms;
	struct device *devices;
};

struct profile;
struct truth;

struct sim {
	struct loop *loop;
	struct fleet fleet;
	struct profile *profile;
	struct truth *truth;
	struct http_server *http, *control;
	struct stats stats;
	const char *address_base;
	char host[64];      /* that all devices share, "" = each has its own address */
	struct list raw;    /* connections in hostile hands */
	struct map by_name; /* device by name and by serial */
};

/* ---- sim.c ---- */
struct sim_opts {
	const char *fleet, *profiles, *address_base, *listen;
	const char *map_file, *truth_log; /* "" = none */
	uint64_t seed;                    /* 0 = as the fleet file says */
	uint32_t count;                   /* 0 = as the fleet file says */
};
/* On -1 the sim is to be stopped all the same. The texts of opts must live as long. */
int sim_start(struct sim *s, struct loop *l, const struct sim_opts *opts,
	struct fault *reterr) must_check;
void sim_stop(struct sim *s);

/* ---- fleet.c ---- */
int fleet_load(struct sim *s, const char *path, uint64_t seed, uint32_t count,
	struct fault *reterr) must_check;
void fleet_free(struct sim *s);
/* Puts every device back to what the fleet file made of it. */
int fleet_reset(struct sim *s, struct fault *reterr) must_check;
struct device *device_find(const struct sim *s, const char *name);
const char *device_language(const struct device *d);
const char *device_firmware(const struct device *d);
const char *device_type_text(const struct device *d);

/* ---- family.c ---- */
extern const struct family *const families[]; /* ends with NULL */
extern const struct family family_canon_rui, family_konica_openapi, family_kyocera_wsdl;
extern const struct family family_ricoh_udirectory;
/* By the weights of "families" in the fleet file: {"canon_rui": 70, …}; without them Canon alone.
 */
const struct family *family_pick(const struct fleet *f, uint32_t device);

/* ---- map.c ---- */
json_t *map_device(const struct device *d);
int map_write(const struct sim *s, const char *path, struct fault *reterr) must_check;

/* ---- net.c ---- */
int net_start(struct sim *s, struct fault *reterr) must_check;
void net_stop(struct sim *s);
/* Opens or closes the device's sockets. */
int device_power(struct device *d, bool on, struct fault *reterr) must_check;
/* Off now, on again after ms with a fresh up time; 0 = stays off. */
void device_restart(struct device *d, uint64_t ms);
/* mp_01: SYNs find a full backlog. */
void device_mute(struct device *d, bool mute);

/* ---- hostile.c ---- */
enum mp hostile_parse(const char *name);
const char *hostile_name(enum mp mp);
/* Does the device misbehave now? Counts down fault.times. */
bool hostile_now(struct device *d, enum fault_at at);
/* Takes over an accepted connection. */
void hostile_connection(struct device *d, int fd);
/* The ones that are in the text: false = not one of them. */
bool hostile_text(struct device *d, struct http_request *r, const char *type, struct span body);
/* A request meets a device that misbehaves at requests; false = answer it as ever. */
bool hostile_request(struct device *d, struct http_request *r);
/* Ends what hostile_connection began. */
void hostile_stop(struct sim *s);
/* Answers an export badly; body is what it should have been. type as in http_respond. */
void hostile_export(struct device *d, struct http_request *r, const char *type, struct span body);

/* ---- ops.c ---- */
/* Starts an operation on the device if what runs there lets it: "running", "paused", "deferred",
 * "refused" or "already". seconds 0 = until told. */
const char *op_start(struct device *d, enum op op, uint32_t seconds);
bool op_stop(struct device *d, enum op op);
void op_stop_all(struct device *d);
/* The operation that keeps an import or export from starting, OP_NONE = it may. */
enum op op_blocking(const struct device *d);
/* Carnet's own export is answered. The end resumes what was paused and starts what was put off. */
void op_export_begin(struct device *d);
void op_export_end(struct device *d);
const char *op_name(enum op op);

/* ---- rui.c ---- */
void rui_serve(struct device *d, struct http_request *r);

/* ---- answer.c ---- */
/* Answers after the device's time for it; quantised, so that many waiting requests are woken
 * together. text lives in the request's arena or for ever. */
void answer_page(
	struct device *d, struct http_request *r, uint32_t ms, unsigned status, const char *text);
/* The same with a body of any type, taken over; type lives for ever. */
void answer_bytes(struct device *d, struct http_request *r, uint32_t ms, unsigned status,
	const char *type, struct buf *body);
/* An import/export in progress until the answer is written; the body is made only then, so that
 * waiting costs no memory. password NULL: the one item as .abk text; else device setting values. */
void answer_export(struct device *d, struct http_request *r, const char *session, uint32_t items,
	bool secrets, const char *password);
/* The same for an item of settings (import-export.md section 1); id lives for ever. */
void answer_setting(struct device *d, struct http_request *r, const char *session, const char *id,
	const char *password);
/* Cuts the connection. */
void answer_reset(struct http_request *r);

/* ---- snmp.c ---- */
void snmp_serve(struct device *d);
/* One datagram; returns the answer's length, 0 = silence. */
size_t snmp_answer(struct device *d, const uint8_t *in, size_t n, uint8_t *out, size_t size);

/* ---- profile.c ---- */
struct profile *profile_load(const char *dir, struct fault *reterr) must_check;
void profile_free(struct profile *p);
const char *profile_ready(const struct profile *p, uint32_t language);
const char *profile_console(const struct profile *p, enum op op, uint32_t language);
void profile_status(const struct profile *p, enum op op, int *ret_printer, int *ret_device);
/* texts.<name>[language], cut to the languages there are */
const char *profile_text(const struct profile *p, const char *name, uint32_t language);

/* ---- truth.c ---- */
struct truth_entry {
	const struct device *device;
	const char *session, *what, *item, *result;
	enum op op;              /* in progress and in the way */
	bool overlap, violation; /* of our own rules: one session, one export at a time */
	uint64_t bytes;
};
struct truth *truth_new(struct loop *l, const char *path, struct fault *reterr) must_check;
void truth_free(struct truth *t);
void truth_add(struct truth *t, const struct truth_entry *e);
/* Lines after seq, one JSON object each, at most limit; returns the last seq written. */
uint64_t truth_since(const struct truth *t, uint64_t seq, size_t limit, struct buf *out);
void truth_clear(struct truth *t);

/* ---- control.c, control_device.c ---- */
void control_serve(void *sim, struct http_request *r);
/* Requests below /devices/{id}; false: no such path. */
bool control_device(struct sim *s, struct http_request *r, const char *rest);
void control_json(struct http_request *r, unsigned status, json_t *json /* taken */);
void control_fault(struct http_request *r, const struct fault *f);
/* The request's JSON object; NULL after a 400. */
json_t *control_body(struct http_request *r);
int fault_from_json(const json_t *j, struct fault_plan *ret_plan, struct fault *reterr) must_check;
struct latency latency_from_json(const json_t *j, struct latency otherwise);
