// SPDX-License-Identifier: Apache-2.0
/* The one codec: generated descriptors interpreted over msgpack (DESIGN.md "Messages",
 * security.md section 11), and JSON from the same descriptors.
 * A frame is [id, header, body]; id is always uint16 (bytes 93 cd SS TT), header and body are maps
 * with integer keys. Unknown keys are skipped, absent optional fields are zero or NULL. */
#pragma once

#include <jansson.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/fault.h"
#include "common/base/uuid.h"

enum msg_type {
	MSG_BOOL,   /* bool */
	MSG_UINT,   /* uint64_t up to INT64_MAX */
	MSG_INT,    /* int64_t */
	MSG_ENUM,   /* int, generated enum; on the wire its number, in JSON its word */
	MSG_TEXT,   /* const char *, NUL-terminated UTF-8, NULL = absent */
	MSG_BYTES,  /* struct span; p NULL = absent; base64 in JSON */
	MSG_UUID,   /* struct uuid, nil = absent; 16 bytes on the wire, text in JSON */
	MSG_TIME,   /* int64_t, Unix milliseconds 1970 to 9999, 0 = absent; RFC 3339 UTC in JSON */
	MSG_STRUCT, /* pointer to const struct, NULL = absent */
};

struct msg_enum_word {
	const char *word;
	int number;
};

struct msg_field {
	const char *name;
	uint16_t tag;
	enum msg_type type;
	bool list;     /* the member is a pointer to n elements, the next member size_t <name>_n */
	bool required; /* absence is refused */
	bool secret;   /* never written to JSON, logs or events */
	uint32_t max;  /* most bytes of text or bytes, largest number otherwise (0 = type's) */
	uint32_t max_items; /* of a list */
	uint32_t offset;    /* of the member; of <name>_n for a list: offset_n */
	uint32_t offset_n;
	const struct msg_desc *desc;       /* MSG_STRUCT */
	const struct msg_enum_word *words; /* MSG_ENUM, ends with word NULL */
	const char *help;
};

/* Who may send a request; checked by the receiving service (fleet.md FL-68, security.md SE-47). */
enum msg_right {
	MSG_INTERNAL, /* services only; a person's claim is refused */
	MSG_VIEWER,
	MSG_OPERATOR,
	MSG_ADMIN,
	MSG_AUDITOR, /* of a message: auditors and administrators */
	MSG_READER,  /* of a message: whoever may see the entries of books: all but auditors */
};

/* Whether a person of this role may send a message of this right. */
bool msg_may(enum msg_right role, enum msg_right right);

struct msg_desc {
	const char *name;
	uint16_t id; /* 0 for a plain struct */
	size_t size; /* of the C struct */
	const struct msg_field *fields;
	size_t n_fields;
	const struct msg_desc *reply; /* of a request; NULL for replies and events */
	enum msg_right right;
	bool scoped; /* a request that knows the scope of its person; others need all of it */
	const char *help;
};

struct msg_header {
	const char *sender; /* "worker/0193…": a claim, for logs */
	struct uuid trace;
	uint32_t deadline_ms; /* remaining; 0 = none */
	struct uuid request;  /* idempotency key */
	uint32_t protocol;
	uint32_t min_protocol; /* of what the sender understands; 0 = protocol */
	uint64_t epoch, seq;   /* of events */
	const char *actor;     /* the person behind the gateway, "" = a service */
	enum msg_right role;   /* of that person; MSG_INTERNAL = a service */
	const char *scope;     /* of that person, scope.h; "" = the role counts everywhere */
};

#define MSG_PROTOCOL 1u     /* what we speak */
#define MSG_PROTOCOL_MIN 1u /* the oldest that we understand */
#define MSG_SCOPE_MAX 8192u
#define MSG_MAX ((size_t)1024 * 1024) /* bytes of a frame */

/* Appends one frame. The struct must obey its limits: a violation is a bug and sets out->err. */
void msg_encode(struct buf *out, const struct msg_desc *desc, const struct msg_header *header,
	const void *body);

/* Pre-scan of untrusted bytes (SE-50): at most MSG_MAX, exactly one object, depth ≤ 16, counts
 * against the bytes left and in all, no ext types, valid UTF-8 without NUL, keys are integers from
 * 0 to 255 and none twice. Allocates nothing. 0, or -1 with CN_PROTOCOL_ERROR. */
int msg_prescan(struct span frame, struct fault *reterr) must_check;

/* Scans and decodes a frame. Everything points into the arena, which need not be empty; a frame
 * takes at most 64 KiB + 32 times its size of it. The descriptor is looked up by id. A body that
 * breaks its schema is CN_VALIDATION_FAILED with the path; *ret_header is filled then too, and
 * *ret_desc is NULL only when the id is unknown or the frame unreadable (CN_PROTOCOL_ERROR). */
int msg_decode(struct span frame, struct arena *arena, const struct msg_desc **ret_desc,
	struct msg_header *ret_header, void **ret_body, struct fault *reterr) must_check;

/* All messages, by id or name; NULL when unknown. */
const struct msg_desc *msg_find(uint16_t id) must_check;
const struct msg_desc *msg_find_name(const char *name) must_check;
/* Every descriptor, plain structs too, by name. */
extern const struct msg_desc *const *const msg_all;
extern const size_t msg_all_n;

/* Whether who wrote this header and we understand each other (ST-50, ST-51). -1: somebody is too
 * old, "<what>: <us or them> needs >= 3, has 2". */
int msg_gate(const char *what, const char *us, const char *them, const struct msg_header *h,
	struct fault *reterr) must_check;

/* The word of a number and back; NULL and 0 when there is none. */
const char *msg_word(const struct msg_enum_word *words, int number);
int msg_number(const struct msg_enum_word *words, const char *word);

/* JSON of a struct: the members that would travel (not zero, or bit set; null = given and empty).
 * Secret fields are left out. NULL when memory ran out. Caller decrefs. */
json_t *msg_to_json(const struct msg_desc *desc, const void *body) must_check;
/* The same for people and their programs: false, 0 and [] are written too. Never send this back as
 * a change: it would say that every one of them was given. */
json_t *msg_to_json_full(const struct msg_desc *desc, const void *body) must_check;
/* Strict: unknown member, wrong type or broken limit is CN_VALIDATION_FAILED with the path and one
 * of the reasons unknown_member wrong_type too_long too_many out_of_range unknown_word required.
 * null sets the bit and leaves the member zero. Members point into the arena. */
int msg_from_json(const struct msg_desc *desc, const json_t *json, struct arena *arena,
	void **ret_body, struct fault *reterr) must_check;
