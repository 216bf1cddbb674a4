// SPDX-License-Identifier: Apache-2.0
/* Kyocera km-wsdl: what is sent, byte for byte, and what an answer means (devices.md section 7).
 * Pure. */
#pragma once

#include "services/worker/adapters/soap.h"

#define KYOCERA_TYPE "application/soap+xml; charset=utf-8"
#define KYOCERA_NUMBER 1000u /* entries asked for (DC-8) */

/* An interface: its path is the tail of its namespace. */
enum kyocera_service { KYOCERA_BOOK, KYOCERA_AUTH, KYOCERA_INFO, KYOCERA_CONTROL };

/* The two lists of a book, and kinds of their enumerations (DV-19). */
enum kyocera_list { KYOCERA_PERSONS, KYOCERA_GROUPS };

const char *kyocera_path(enum kyocera_service s);

/* token NULL = nobody is logged in. */
void kyocera_create_message(
	struct buf *out, enum kyocera_list list, unsigned number, const char *token);
void kyocera_get_message(
	struct buf *out, enum kyocera_list list, const char *enumeration, const char *token);
void kyocera_destroy_message(
	struct buf *out, enum kyocera_list list, const char *enumeration, const char *token);
void kyocera_status_message(struct buf *out);
/* password: encoded already, by a scheme that is not public. */
void kyocera_login_message(struct buf *out, const char *user, const char *password);
/* origin: "http://host:9090" of the device, for wsa:To. */
void kyocera_constitution_message(struct buf *out, const char *origin);
void kyocera_restart_message(struct buf *out, const char *token);

/* What `result` says. */
enum kyocera_result {
	KYOCERA_SUCCESS,
	KYOCERA_PREPARING, /* PREPARING_NOW */
	KYOCERA_COMPLETE,  /* ALL_GET_COMPLETE */
};

/* The result of an answer to a call of the book ("create_personal_address_enumeration"). 0, or -1:
 * CN_AUTH_REFUSED, CN_REJECTED with the device's word, CN_PROTOCOL_ERROR. */
int kyocera_result(const struct soap_answer *a, const char *call, enum kyocera_result *ret,
	struct fault *reterr) must_check;
/* 0 when the device took restart_device, or -1 as above. */
int kyocera_restarts(const struct soap_answer *a, struct fault *reterr) must_check;
const char *kyocera_create_call(enum kyocera_list list);
const char *kyocera_get_call(enum kyocera_list list);
/* Of a good create, in the arena; NULL = none. */
const char *kyocera_enumeration(struct arena *a, const struct soap_answer *answer);
/* Of a good login_system, in the arena; NULL and a fault: refused. */
const char *kyocera_token(struct arena *a, const struct soap_answer *answer, struct fault *reterr);

/* The first entry of an answer, the next one; NULL = none. */
const struct xml_node *kyocera_first(const struct soap_answer *a, enum kyocera_list list);
const struct xml_node *kyocera_next(const struct xml_node *entry, enum kyocera_list list);
/* "" = none. */
const char *kyocera_id(struct arena *a, const struct xml_node *entry);
/* A group holds as many members as it announces (DV-6). 0, or -1 with CN_INCOMPLETE. */
int kyocera_check_group(const struct xml_node *group, struct fault *reterr) must_check;

/* What the panel says: the first message that is not empty, in the arena, "" = none; is somebody at
 * it? An answer that says nothing about a panel leaves both as they are. */
void kyocera_panel(struct arena *a, const struct soap_answer *answer, const char **ret_message,
	bool *ret_in_use);
