// SPDX-License-Identifier: Apache-2.0
/* What Carnet and a Ricoh machine say to each other over uDirectory (docs/spec/devices.md section
 * 5): requests as bytes, answers as data. Pure. */
#pragma once

#include "services/worker/adapters/soap.h"

#define RICOH_PATH "/DH/udirectory"
#define RICOH_TYPE "text/xml; charset=utf-8"
#define RICOH_NS "http://www.ricoh.co.jp/xmlns/soap/rdh/udirectory"
#define RICOH_TIME_LIMIT 30u       /* seconds that a session asks for */
#define RICOH_BUILT_IN 1000000000u /* ids of ten digits or more are the machine's own */
#define RICOH_AT_ONCE 50u          /* most objects in one call */

enum ricoh_method {
	RICOH_PROTOCOL_VERSION,
	RICOH_SERVICE_CAPABILITY,
	RICOH_START,
	RICOH_SEARCH,
	RICOH_GET,
	RICOH_PUT,
	RICOH_CHANGE,
	RICOH_DELETE,
	RICOH_TERMINATE,
};

struct ricoh_prop {
	const char *name, *value;
};

/* One object as a list of properties. */
struct ricoh_object {
	const struct ricoh_prop *prop;
	size_t n;
};

/* ---- requests: out->err when a text holds what XML cannot ---- */

/* "SOAPAction: …" */
const char *ricoh_action(enum ricoh_method m);
void ricoh_ask_version(struct buf *out);
/* Holds the password: wipe it. */
void ricoh_ask_start(struct buf *out, const char *user, const char *password, bool write);
void ricoh_ask_capability(struct buf *out, const char *session);
void ricoh_ask_search(struct buf *out, const char *session, uint32_t offset, uint32_t count);
void ricoh_ask_get(struct buf *out, const char *session, const uint32_t *ids, size_t n);
void ricoh_ask_put(
	struct buf *out, const char *session, const struct ricoh_object *objects, size_t n);
void ricoh_ask_change(
	struct buf *out, const char *session, uint32_t id, const struct ricoh_object *o);
void ricoh_ask_delete(struct buf *out, const char *session, const uint32_t *ids, size_t n);
void ricoh_ask_terminate(struct buf *out, const char *session);

/* ---- answers ---- */

/* 0: the answer of this method, without a fault. Else -1 and the cause (section 5, DC-4); ret_text,
 * in the answer's arena, is the machine's own words, "" = none. */
int ricoh_check(const struct soap_answer *a, enum ricoh_method m, const char **ret_text,
	struct fault *reterr) must_check;
/* The session id, in the answer's arena; NULL and the cause: busy unless the machine names
 * authentication (DC-4). */
const char *ricoh_session(const struct soap_answer *a, struct fault *reterr);
/* maxObjectPerCall, 1 to RICOH_AT_ONCE; 0 = not said. */
uint32_t ricoh_at_once(const struct soap_answer *a);

struct ricoh_rows {
	uint32_t *id; /* in the answer's arena */
	size_t n;
	uint32_t announced; /* numOfResults: of all pages */
	bool end;
};
/* One page of a search. -1: CN_PROTOCOL_ERROR. */
int ricoh_rows(
	const struct soap_answer *a, struct ricoh_rows *ret, struct fault *reterr) must_check;

struct ricoh_objects {
	struct ricoh_object *object; /* in the answer's arena */
	size_t n;
};
int ricoh_objects(
	const struct soap_answer *a, struct ricoh_objects *ret, struct fault *reterr) must_check;
/* The same of a file: the body of such an answer, as the codec ricoh_udirectory writes it. */
int ricoh_objects_of(struct arena *a, struct span file, struct ricoh_objects *ret,
	struct fault *reterr) must_check;
/* The value of a property, "" = none. */
const char *ricoh_value(const struct ricoh_object *o, const char *name);
/* 0 = none, or not a number of an entry. */
uint32_t ricoh_id(const struct ricoh_object *o);
