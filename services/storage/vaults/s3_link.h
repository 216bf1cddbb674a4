// SPDX-License-Identifier: Apache-2.0
/* Requests to one bucket of an S3 server: signed, repeated while the server is busy, and what its
 * refusals mean. Blocks on a loop of its own; work pool only, one thread at a time. */
#pragma once

#include "common/base/buf.h"
#include "common/http/client.h"
#include "services/storage/vaults/login.h"
#include "services/storage/vaults/reach.h"
#include "services/storage/vaults/s3_sign.h"
#include "services/storage/vaults/server.h"

struct s3_target {
	struct server server; /* its path is without bucket and prefix */
	char bucket[64];
	char prefix[700]; /* of all names: "" or "…/" */
	char account[256], region[65];
	char pin[64];         /* base64 SHA-256 of the key; "" = certificates of a known CA */
	char ca_file[1024];   /* "" = the system's */
	struct secret *login; /* a struct login, or NULL */
	uint32_t timeout_ms;
	const struct address_rules *where; /* it may be */
	bool by_name;                      /* the bucket is part of the host's name */
};

/* https://host/bucket/prefix; s3://… the same, with the bucket in the host's name; http://… is for
 * who said so. CN_VALIDATION_FAILED place_form, pin_form. The rest of t is left alone. */
int s3_address(const struct vault_address *a, struct s3_target *t, struct fault *reterr) must_check;

struct s3_link {
	struct s3_target target;
	struct loop *loop; /* both NULL: made when needed */
	struct http_client *client;
	struct resolved at; /* of the server; n 0 = to be looked up */
	size_t turn;        /* which of them is tried */
};

#define S3_EXTRA 4
struct s3_call {
	const char *method;
	const char *name;                 /* below the prefix; NULL = the bucket */
	const char *query;                /* encoded, sorted; NULL = none */
	struct s3_header extra[S3_EXTRA]; /* sorted by name */
	size_t n_extra;
	struct span body;
	size_t max_answer; /* bytes of the answer; 0 = S3_XML_MAX */
};

struct s3_answer {
	long status; /* of the last answer, 0 = there was none */
	struct buf headers, body;
};

/* 0: the server did it, or says 416. -1: CN_NOT_FOUND, CN_CONFLICT (the condition is not
 * fulfilled), CN_STORE_FULL, else CN_STORE_UNAVAILABLE with a reason word. ret is filled in any
 * case and wants s3_answer_fini. */
int s3_do(struct s3_link *l, const struct s3_call *call, struct s3_answer *ret,
	struct fault *reterr) must_check;
void s3_answer_fini(struct s3_answer *a);
/* Ends all connections. */
void s3_link_close(struct s3_link *l);
