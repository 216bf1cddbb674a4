// SPDX-License-Identifier: Apache-2.0
/* The user-based security of SNMPv3 (RFC 3414, 3826, 7860), as much as asking needs: whose engine
 * is this, then one question in the name of a user. On memory; no I/O. The adapters ask one device
 * through net-snmp, which keeps its users for the whole process: a scan that tries passwords beside
 * them would touch theirs. */
#pragma once

#include "common/crypto/prescribed.h"
#include "services/worker/adapters/adapter.h"
#include "services/worker/discover/scan_message.h"

#define USM_ENGINE_MAX 32u
#define USM_USER_MAX 32u

enum usm_level { USM_OPEN, USM_AUTH, USM_PRIV }; /* noAuthNoPriv, authNoPriv, authPriv */

struct usm_user {
	enum usm_level level;
	enum digest digest;
	char name[USM_USER_MAX + 1], context[256];
	uint8_t auth[DIGEST_MAX], priv[DIGEST_MAX]; /* keys of the passwords, of no engine yet */
};
/* 0; -1 with CN_AUTH_MISSING: no agent could have such a user. Hashes two megabytes: on the work
 * pool. */
int usm_user_make(
	const struct credential *c, struct usm_user *ret, struct fault *reterr) must_check;

struct usm_engine {
	uint8_t n; /* 0: not known */
	uint8_t id[USM_ENGINE_MAX];
	int32_t boots, time; /* its clock, as of now */
};

/* Who are you? In nobody's name, without a secret. Length of the datagram, 0 = it does not fit. */
size_t usm_write_hello(int32_t id, uint8_t *out, size_t size);
size_t usm_write(const struct usm_user *u, const struct usm_engine *e, int32_t id, uint32_t objects,
	uint8_t *out, size_t size);

/* What came back, closed; inside of the datagram. */
struct usm_message {
	struct span whole;
	int64_t id;
	uint8_t flags;
	struct usm_engine engine;
	struct span user, auth, priv; /* parameters */
	struct ber_reader data;       /* the scoped PDU, or octets that hold it encrypted */
};
int usm_read(struct span datagram, struct usm_message *ret) must_check;

/* usmStats: why an agent did not listen. */
enum usm_report {
	USM_NO_REPORT,
	USM_LEVEL,
	USM_TIME,
	USM_UNKNOWN_USER,
	USM_UNKNOWN_ENGINE,
	USM_WRONG_DIGEST,
	USM_UNDECIPHERED
};
struct usm_answer {
	enum usm_report report;
	struct scan_answer said; /* a response; texts lie in the datagram or in plain */
};
/* 0; -1: not by that user's keys, or not understood. A report counts unsigned, for whoever cannot
 * check a signature says so in one; but for the time, which is believed only when it is signed. */
int usm_open(const struct usm_message *m, const struct usm_user *u, uint8_t *plain, size_t size,
	struct usm_answer *ret) must_check;
/* The engine says who it is. */
bool usm_is_hello(const struct usm_message *m);
