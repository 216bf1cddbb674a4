// SPDX-License-Identifier: Apache-2.0
/* SOAP as Ricoh, Konica Minolta and Kyocera speak it (devices.md sections 5 to 7): envelopes into a
 * buf, answers into a tree, one call at a time over web.h. No DTD, no entities, depth at most 64;
 * elements are found by namespace and local name, never by prefix, or by local name alone (DC-3),
 * in any order (DV-8). Loop thread only; what stands above soap_send is pure. */
#pragma once

#include "common/text/xml.h"
#include "services/worker/adapters/web.h"

#define SOAP_11 "http://schemas.xmlsoap.org/soap/envelope/"
#define SOAP_12 "http://www.w3.org/2003/05/soap-envelope"
#define SOAP_ENCODING "http://schemas.xmlsoap.org/soap/encoding/"

/* How a family writes its envelopes. Constants; what stands in them is XML already. */
struct soap_style {
	const char *ns;         /* SOAP_11 or SOAP_12 */
	const char *prefix;     /* of its elements: "s", "SOAP-ENV" */
	const char *attributes; /* of the Envelope, after its own namespace: " a=\"b\"", or "" */
	bool declaration;       /* begins with <?xml version="1.0" encoding="utf-8"?> */
};

/* From the declaration to <Body>. header: the inside of <Header>, as XML; "" = there is none. */
void soap_begin(struct buf *out, const struct soap_style *style, const char *header);
void soap_end(struct buf *out, const struct soap_style *style);
/* Character data. What XML cannot hold (control characters, bytes outside UTF-8) sets out->err:
 * nothing is left out in silence. */
void soap_text(struct buf *out, const char *text);
/* <name>text</name>; name may carry a prefix. */
void soap_element(struct buf *out, const char *name, const char *text);

/* ---- answers ---- */

/* Valid during soap_fn. */
struct soap_answer {
	const struct xml_node *body;   /* the first element inside <Body>, NULL = empty */
	const struct xml_node *header; /* NULL = none */
	/* of a Fault; code and text "" when it is none */
	bool is_fault;
	const char *code;              /* faultcode, or Code/Value of SOAP 1.2 */
	const char *text;              /* faultstring, or Reason/Text */
	const struct xml_node *detail; /* NULL = none */
	struct span bytes;             /* as received */
	struct arena *arena;           /* holds the tree */
	long status;                   /* of HTTP */
};

/* 0, or -1: not XML (CN_PARSE_ERROR and what else xml_parse says), cut off (CN_INCOMPLETE), or no
 * envelope with a body (CN_PROTOCOL_ERROR). Either version of SOAP is understood. All of it lives
 * in the arena. */
int soap_parse(struct arena *a, struct span file, struct soap_answer *ret,
	struct fault *reterr) must_check;

/* ns NULL = whatever its namespace is; "" = in none. */
bool soap_is(const struct xml_node *n, const char *ns, const char *name);
/* The first child of that name, NULL = none; n may be NULL. */
const struct xml_node *soap_child(const struct xml_node *n, const char *ns, const char *name);
/* The next sibling of that name. */
const struct xml_node *soap_next(const struct xml_node *n, const char *ns, const char *name);
/* Down a path of local names, "Result/ResultInfo", in any namespace; NULL = not there. */
const struct xml_node *soap_at(const struct xml_node *n, const char *path);
/* Its text without blanks around it, in the arena; "" = not there. */
const char *soap_text_at(struct arena *a, const struct xml_node *n, const char *path);
/* A decimal number; -1 = not there or none. */
int64_t soap_number_at(const struct xml_node *n, const char *path);

/* ---- calls ---- */

/* f NULL = an envelope came, with a good HTTP status or with a Fault (HTTP 400, 500); else f says
 * why not (web.h, web_status, soap_parse) and a is NULL. The session may end in there. */
typedef void (*soap_fn)(void *arg, const struct soap_answer *a, const struct fault *f);

struct soap {
	struct web web;    /* the adapter calls web_init on it before the first call */
	struct buf answer; /* what came so far */
	bool probing;
	soap_fn fn;
	void *arg;
};

struct soap_call {
	const char *path;
	const char *type;    /* Content-Type */
	const char *header;  /* one more header, "SOAPAction: …"; NULL = none */
	struct span message; /* copied; may hold secrets: the caller wipes it */
	size_t max_answer;   /* 0 = 16 MiB */
	uint32_t total_ms;   /* 0 = 15 min */
	bool probing;        /* HTTP 404 = CN_UNSUPPORTED_DEVICE */
	bool follow;         /* redirects to the same host */
	bool last;           /* close the connection afterwards */
	bool once;           /* must not be sent twice, not even by libcurl: see web.h */
};

void soap_send(struct soap *s, const struct soap_call *call, soap_fn fn, void *arg);
/* Ends the call under way, fn is not called. Nothing to end is no fault. */
void soap_cancel(struct soap *s);
