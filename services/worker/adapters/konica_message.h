// SPDX-License-Identifier: Apache-2.0
/* Konica Minolta OpenAPI: what is sent, byte for byte, and what an answer means (devices.md 6.1,
 * DC-1 to DC-3). Names count in any namespace. Pure. */
#pragma once

#include "services/worker/adapters/soap.h"

#define KONICA_TYPE "text/xml"
#define KONICA_PAGE 100u /* entries asked for at once */
/* The device gives up a login and a lock that nobody uses for so long. */
#define KONICA_TIMEOUT_S 60u

/* What every message carries. Texts live as long as the session. */
struct konica {
	unsigned major, minor;
	const char *auth; /* AuthKey, NULL = not logged in */
	const char *lock; /* LockKey, NULL = not locked */
};

/* An empty envelope: the fault that answers it names the version. */
void konica_version_message(struct buf *out);
/* Major and Minor, wherever the answer has them. 0, or -1 with CN_UNSUPPORTED_DEVICE. */
int konica_version_read(
	const struct soap_answer *a, struct konica *ret, struct fault *reterr) must_check;

void konica_login_message(struct buf *out, const struct konica *k, const char *password);
/* start counts from 1. */
void konica_get_message(struct buf *out, const struct konica *k, unsigned start, unsigned length);
void konica_lock_message(struct buf *out, const struct konica *k);
/* The entry as a device gave it or as the book's format wrote it: its elements in their order. */
void konica_set_message(struct buf *out, const struct konica *k, const struct xml_node *abbr);
void konica_delete_message(struct buf *out, const struct konica *k, const char *number);
void konica_unlock_message(struct buf *out, const struct konica *k);

/* Is this the answer to that call ("GetAbbr"), and does it say Ack? 0, or -1: code when it says
 * anything else but Ack, with the device's own words; CN_PROTOCOL_ERROR when it is no answer to it;
 * a fault that names another version has the reason "version". */
int konica_check(const struct soap_answer *a, const char *call, const struct konica *k, int code,
	struct fault *reterr) must_check;
/* AuthKey or LockKey of a good answer, in the arena; NULL = none. */
const char *konica_key(struct arena *a, const struct soap_answer *answer, const char *name);

/* A page of the book. 0, or -1 with CN_INCOMPLETE: it holds other than the entries it announces
 * (DV-6), CN_PROTOCOL_ERROR: more than were asked for, an entry without a number. */
int konica_page_read(const struct soap_answer *a, uint32_t *ret_entries,
	const struct xml_node **ret_first, struct fault *reterr) must_check;
/* The next entry after one, NULL = the last. */
const struct xml_node *konica_page_next(const struct xml_node *abbr);
/* "" = none; without blanks around it and zeros before it. */
const char *konica_number(struct arena *a, const struct xml_node *abbr);
