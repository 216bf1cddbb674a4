// SPDX-License-Identifier: Apache-2.0
/* net-snmp's single-session API on the loop. The library's own select() and its blocking engine
 * probe are not used: v3 discovery is a question of its own, keys are derived on the work pool. */
/* The library's headers come first: they are not written for our warnings, nor for our macros. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/large_fd_set.h>
#pragma GCC diagnostic pop

#include "services/worker/adapters/snmp_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/credential.h"

#define TRIES 3

struct snmp_question {
	struct errand *errand; /* NULL = cancelled */
	const struct snmp_oid *oids;
	struct snmp_value *values;
	size_t n;
	enum snmp_reset reset; /* a restart, not a question; 0 = none */
	snmp_fn fn;
	void *arg;

	void *session; /* of net-snmp */
	struct loop_watch *watch;
	struct timer *timer;
	uint32_t try_ms;
	bool working;     /* on the work pool: lives until it comes back */
	bool discovering; /* v3: the engine is being asked who it is */
	int discovery;    /* request id of the discovery */
	bool ended;       /* fault is the answer; closed when the library is left */
	size_t dropped;   /* v1: objects left out after noSuchName */
	bool absent[SNMP_ASK_MAX];
	struct fault fault;

	struct credential credential;
	long version;
	/* v3: keys from the passwords */
	const oid *auth, *priv;
	size_t auth_n, priv_n;
	u_char auth_key[USM_AUTH_KU_LEN], priv_key[USM_PRIV_KU_LEN];
	size_t auth_key_n, priv_key_n;
};

static void close_session(struct snmp_question *q)
{
	if (q->watch)
		loop_unwatch(q->watch);
	q->watch = NULL;
	if (q->timer)
		timer_free(q->timer);
	q->timer = NULL;
	if (q->session) {
		struct usmUser *user = NULL;
		netsnmp_session *s = snmp_sess_session(q->session);
		if (q->version == SNMP_VERSION_3 && s->securityEngineIDLen)
			user = usm_get_user(
				s->securityEngineID, s->securityEngineIDLen, q->credential.user);
		if (user) {
			usm_remove_user(user);
			usm_free_user(user);
		}
		snmp_sess_close(q->session);
	}
	q->session = NULL;
}

static void question_free(struct snmp_question *q)
{
	close_session(q);
	credential_wipe(&q->credential);
	crypto_wipe(q->auth_key, sizeof(q->auth_key));
	crypto_wipe(q->priv_key, sizeof(q->priv_key));
	free(q);
}

static void end(struct snmp_question *q)
{
	struct fault f = q->fault;
	snmp_fn fn = q->fn;
	void *arg = q->arg;

	question_free(q);
	fn(arg, f.code ? &f : NULL);
}

static void later_end(void *arg)
{
	struct snmp_question *q = arg;

	if (q->errand)
		end(q);
	else
		question_free(q);
}

/* Ends from the next turn of the loop: never from inside snmp_ask or the library. */
static void end_soon(struct snmp_question *q)
{
	q->ended = true;
	q->working = true;
	loop_post(q->errand->loop, later_end, q);
}

/* ---- answers ---- */

static const oid usm_stats[] = {1, 3, 6, 1, 6, 3, 15, 1, 1};

/* A v3 report says why the agent did not listen. */
static void read_report(struct snmp_question *q, netsnmp_pdu *pdu)
{
	netsnmp_variable_list *v = pdu->variables;
	oid which = 0;

	if (v && v->name_length > OID_LENGTH(usm_stats) &&
		memcmp(v->name, usm_stats, sizeof(usm_stats)) == 0)
		which = v->name[OID_LENGTH(usm_stats)];
	q->ended =
		which != 2; /* not in time window: the library asks again with the agent's time */
	switch (which) {
	case 2:
		break;
	case 1:
		fault_why(&q->fault, CN_AUTH_REFUSED, "security_level",
			"the agent does not offer this "
			"security level");
		break;
	case 3:
		fault_why(&q->fault, CN_AUTH_REFUSED, "unknown_user",
			"the agent does not know this user");
		break;
	case 5:
	case 6:
		fault_why(&q->fault, CN_AUTH_REFUSED, "wrong_key", "the agent refused the key");
		break;
	default:
		fault_set(&q->fault, CN_PROTOCOL_ERROR, "SNMPv3 report %lu", (unsigned long)which);
	}
}

static void read_value(
	struct snmp_question *q, const netsnmp_variable_list *v, struct snmp_value *out)
{
	*out = (struct snmp_value){.kind = SNMP_ABSENT};
	switch (v->type) {
	case ASN_INTEGER:
	case ASN_COUNTER:
	case ASN_GAUGE:
	case ASN_TIMETICKS:
		out->kind = SNMP_NUMBER;
		out->number = v->val_len ? *v->val.integer : 0;
		break;
	case ASN_OCTET_STR:
		out->bytes.n = v->val_len;
		out->bytes.p = arena_dup(q->errand->arena, v->val.string, v->val_len);
		if (out->bytes.p)
			out->kind = SNMP_BYTES;
		break;
	default: /* noSuchObject, noSuchInstance, endOfMibView, what we did not ask for */
		break;
	}
}

static bool same_oid(const netsnmp_variable_list *v, const struct snmp_oid *o)
{
	if (v->name_length != o->n)
		return false;
	for (size_t i = 0; i < o->n; i++)
		if (v->name[i] != o->id[i])
			return false;
	return true;
}

static void read_values(struct snmp_question *q, netsnmp_pdu *pdu)
{
	for (const netsnmp_variable_list *v = pdu->variables; v; v = v->next_variable)
		for (size_t i = 0; i < q->n; i++)
			if (same_oid(v, &q->oids[i]))
				read_value(q, v, &q->values[i]);
}

static int send_get(struct snmp_question *q);
static int send_reset(struct snmp_question *q);

/* v1 refuses the whole question for one absent object: ask again without it. */
static bool without_absent(struct snmp_question *q, long index)
{
	size_t k = 0;

	for (size_t i = 0; i < q->n; i++) {
		if (q->absent[i] || (long)++k != index)
			continue;
		q->absent[i] = true;
		return ++q->dropped < q->n && send_get(q) == 0;
	}
	return false;
}

/* The answer to a SET (DV-22). */
static void read_reset(struct snmp_question *q, const netsnmp_pdu *pdu)
{
	int code = CN_REJECTED;

	q->ended = true;
	switch (pdu->errstat) {
	case SNMP_ERR_NOERROR:
		return;
	case SNMP_ERR_NOSUCHNAME: /* v1 has no other word for a community that only reads */
	case SNMP_ERR_AUTHORIZATIONERROR:
	case SNMP_ERR_NOACCESS:
		code = CN_PERMISSION_DENIED;
		break;
	case SNMP_ERR_GENERR:
	case SNMP_ERR_TOOBIG:
		code = CN_PROTOCOL_ERROR;
		break;
	default:
		break;
	}
	fault_why(&q->fault, code, "snmp_set", "the restart was refused: %s",
		snmp_errstring((int)pdu->errstat));
}

static void read_response(struct snmp_question *q, netsnmp_pdu *pdu)
{
	q->ended = true;
	switch (pdu->errstat) {
	case SNMP_ERR_NOERROR:
		read_values(q, pdu);
		return;
	case SNMP_ERR_NOSUCHNAME:
		if (q->dropped + 1 == q->n) {
			return; /* nothing of what was asked exists: all absent, no error */
		}
		q->ended = false;
		if (!without_absent(q, pdu->errindex)) {
			q->ended = true;
			fault_set(&q->fault, CN_PROTOCOL_ERROR, "noSuchName without a place");
		}
		return;
	case SNMP_ERR_AUTHORIZATIONERROR:
	case SNMP_ERR_NOACCESS:
		fault_set(&q->fault, CN_PERMISSION_DENIED, "%s", snmp_errstring((int)pdu->errstat));
		return;
	default:
		fault_set(&q->fault, CN_PROTOCOL_ERROR, "%s", snmp_errstring((int)pdu->errstat));
	}
}

/* The engine told its id: from now on the user's own keys. */
static void discovered(struct snmp_question *q, netsnmp_pdu *pdu)
{
	netsnmp_session *s = snmp_sess_session(q->session);

	q->discovering = false;
	if (pdu->securityEngineIDLen == 0 || pdu->securityEngineIDLen > 32) {
		q->ended = true;
		fault_set(&q->fault, CN_PROTOCOL_ERROR, "the SNMPv3 engine has no id");
		return;
	}
	free(s->securityEngineID);
	s->securityEngineID = mem_alloc(pdu->securityEngineIDLen);
	memcpy(s->securityEngineID, pdu->securityEngineID, pdu->securityEngineIDLen);
	s->securityEngineIDLen = pdu->securityEngineIDLen;
	if (create_user_from_session(s) != SNMPERR_SUCCESS ||
		(q->reset ? send_reset(q) : send_get(q)) < 0) {
		q->ended = true;
		fault_set(&q->fault, CN_AUTH_MISSING, "the SNMPv3 credential is not usable");
	}
}

/* Called by the library from snmp_sess_read2 and snmp_sess_timeout; the session stays open here. */
static int on_answer(int op, netsnmp_session *s unused, int id, netsnmp_pdu *pdu, void *arg)
{
	struct snmp_question *q = arg;

	/* the library repeats a discovery that was answered already: not what we wait for now */
	if (q->ended || op == NETSNMP_CALLBACK_OP_RESEND ||
		(!q->discovering && id != 0 && id == q->discovery))
		return 1;
	if (pdu && (op == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE ||
			   op == NETSNMP_CALLBACK_OP_SEC_ERROR)) { /* a report comes as either */
		if (q->discovering)
			discovered(q, pdu);
		else if (pdu->command == SNMP_MSG_REPORT)
			read_report(q, pdu);
		else if (q->reset)
			read_reset(q, pdu);
		else
			read_response(q, pdu);
		return 1;
	}
	q->ended = true;
	if (op == NETSNMP_CALLBACK_OP_TIMED_OUT)
		fault_why(&q->fault, CN_UNREACHABLE, "snmp_silent",
			"no answer to SNMP: no agent there, or another community");
	else if (op == NETSNMP_CALLBACK_OP_SEC_ERROR)
		fault_why(&q->fault, CN_AUTH_REFUSED, "security",
			"the SNMPv3 answer does not fit the credential");
	else
		fault_why(&q->fault, CN_UNREACHABLE, "snmp_send", "SNMP cannot be sent there");
	return 1;
}

/* ---- the wire ---- */

static void after_library(struct snmp_question *q)
{
	void (*leave)(void) = q->errand->leave;

	if (q->ended && !q->working)
		end(q);
	leave();
}

static void on_readable(void *arg, int events unused)
{
	static netsnmp_large_fd_set set;
	static bool made;
	struct snmp_question *q = arg;
	int fd = snmp_sess_transport(q->session)->sock;

	if (!made)
		netsnmp_large_fd_set_init(&set, 1024);
	made = true;
	q->errand->enter(q->errand->arg);
	netsnmp_large_fd_setfd(fd, &set);
	snmp_sess_read2(q->session, &set);
	netsnmp_large_fd_clr(fd, &set);
	after_library(q);
}

static void on_time(void *arg)
{
	struct snmp_question *q = arg;

	q->errand->enter(q->errand->arg);
	snmp_sess_timeout(q->session); /* sends again, or gives up */
	after_library(q);
}

static int send_pdu(struct snmp_question *q, netsnmp_pdu *pdu)
{
	int id = snmp_sess_async_send(q->session, pdu, on_answer, q);

	if (id != 0) {
		q->discovery = q->discovering ? id : q->discovery;
		return 0;
	}
	snmp_free_pdu(pdu);
	return -1;
}

static int send_get(struct snmp_question *q)
{
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET);

	for (size_t i = 0; i < q->n; i++) {
		oid name[SNMP_OID_MAX];
		if (q->absent[i])
			continue;
		for (size_t k = 0; k < q->oids[i].n; k++)
			name[k] = q->oids[i].id[k];
		snmp_add_null_var(pdu, name, q->oids[i].n);
	}
	return send_pdu(q, pdu);
}

/* The only SET there is. The library does not send it again: two restarts are not one. */
static int send_reset(struct snmp_question *q)
{
	static const oid name[] = {1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 3, 1}; /* prtGeneralReset */
	netsnmp_pdu *pdu;
	long value = q->reset;

	bug_if(value != SNMP_RESET_POWER_CYCLE && value != SNMP_RESET_NVRAM); /* DV-20 */
	snmp_sess_session(q->session)->retries = 0;
	pdu = snmp_pdu_create(SNMP_MSG_SET);
	snmp_pdu_add_variable(pdu, name, OID_LENGTH(name), ASN_INTEGER, &value, sizeof(value));
	return send_pdu(q, pdu);
}

/* An empty question without a user: the agent answers with a report that names its engine. */
static int send_discovery(struct snmp_question *q)
{
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET);

	pdu->version = SNMP_VERSION_3;
	pdu->securityName = mem_strdup("");
	pdu->securityNameLen = 0;
	pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	pdu->securityModel = SNMP_SEC_MODEL_USM;
	q->discovering = true;
	return send_pdu(q, pdu);
}

/* ---- opening ---- */

static void init_library(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	setenv("MIBS", "", 1); /* numbers only: no files are parsed */
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	snmp_disable_log();
	init_snmp("carnet");
}

static void set_v3(struct snmp_question *q, netsnmp_session *s)
{
	s->flags |= SNMP_FLAGS_DONT_PROBE;
	s->securityName = q->credential.user;
	s->securityNameLen = strlen(q->credential.user);
	s->securityModel = SNMP_SEC_MODEL_USM;
	s->securityLevel = q->priv_key_n   ? SNMP_SEC_LEVEL_AUTHPRIV
			   : q->auth_key_n ? SNMP_SEC_LEVEL_AUTHNOPRIV
					   : SNMP_SEC_LEVEL_NOAUTH;
	s->contextName = q->credential.context;
	s->contextNameLen = strlen(q->credential.context);
	if (q->auth_key_n) {
		s->securityAuthProto = snmp_duplicate_objid(q->auth, q->auth_n);
		s->securityAuthProtoLen = q->auth_n;
		memcpy(s->securityAuthKey, q->auth_key, q->auth_key_n);
		s->securityAuthKeyLen = q->auth_key_n;
	}
	if (q->priv_key_n) {
		s->securityPrivProto = snmp_duplicate_objid(q->priv, q->priv_n);
		s->securityPrivProtoLen = q->priv_n;
		memcpy(s->securityPrivKey, q->priv_key, q->priv_key_n);
		s->securityPrivKeyLen = q->priv_key_n;
	}
}

static int open_session(struct snmp_question *q)
{
	const struct errand *e = q->errand;
	bool v6 = strchr(e->ip, ':') != NULL;
	netsnmp_session s;
	char peer[96];

	snmp_sess_init(&s);
	snprintf(peer, sizeof(peer), v6 ? "udp6:[%s]:%u" : "udp:%s:%u", e->ip,
		errand_port(e, "snmp", 161));
	s.peername = peer;
	s.version = q->version;
	s.retries = TRIES - 1;
	s.timeout = (long)q->try_ms * 1000;
	s.callback = on_answer;
	s.callback_magic = q;
	if (q->version == SNMP_VERSION_3) {
		set_v3(q, &s);
	} else {
		char *community =
			q->reset ? q->credential.community_write : q->credential.community_read;
		s.community = (u_char *)community;
		s.community_len = strlen(community);
	}
	q->session = snmp_sess_open(&s);
	free(s.securityAuthProto);
	free(s.securityPrivProto);
	crypto_wipe(s.securityAuthKey, sizeof(s.securityAuthKey));
	crypto_wipe(s.securityPrivKey, sizeof(s.securityPrivKey));
	if (!q->session)
		return fault_set(&q->fault, CN_UNREACHABLE, "SNMP socket: %s",
			snmp_api_errstring(snmp_errno));
	q->watch = loop_watch(
		e->loop, snmp_sess_transport(q->session)->sock, LOOP_READ, on_readable, q);
	q->timer = timer_new(e->loop, on_time, q);
	timer_set(q->timer, q->try_ms + 10, q->try_ms / 2 + 10);
	return 0;
}

static void begin(struct snmp_question *q)
{
	int r = open_session(q);

	if (r == 0)
		r = q->version == SNMP_VERSION_3 ? send_discovery(q)
		    : q->reset                   ? send_reset(q)
						 : send_get(q);
	if (r == 0)
		return;
	if (!q->fault.code)
		fault_why(&q->fault, CN_UNREACHABLE, "snmp_send", "SNMP cannot be sent there");
	end_soon(q);
}

/* ---- v3 keys ---- */

struct protocol {
	const char *name;
	const oid *id;
	size_t n;
};

static const struct protocol auth_protocols[] = {
	{"MD5", usmHMACMD5AuthProtocol, 10},
	{"SHA", usmHMACSHA1AuthProtocol, 10},
	{"SHA1", usmHMACSHA1AuthProtocol, 10},
	{"SHA224", usmHMAC128SHA224AuthProtocol, OID_LENGTH(usmHMAC128SHA224AuthProtocol)},
	{"SHA256", usmHMAC192SHA256AuthProtocol, OID_LENGTH(usmHMAC192SHA256AuthProtocol)},
	{"SHA384", usmHMAC256SHA384AuthProtocol, OID_LENGTH(usmHMAC256SHA384AuthProtocol)},
	{"SHA512", usmHMAC384SHA512AuthProtocol, OID_LENGTH(usmHMAC384SHA512AuthProtocol)},
};

static const struct protocol priv_protocols[] = {
	{"AES", usmAESPrivProtocol, 10},
	{"AES128", usmAESPrivProtocol, 10},
	{"DES", usmDESPrivProtocol, 10},
};

static const struct protocol *protocol_named(
	const struct protocol *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static bool derive(const struct protocol *auth, const char *password, u_char *key, size_t *ret_n)
{
	u_char copy[256];
	size_t n = strlen(password);
	int rc;

	memcpy(copy, password, n);
	rc = generate_Ku(auth->id, (u_int)auth->n, copy, n, key, ret_n);
	crypto_wipe(copy, sizeof(copy));
	return rc == SNMPERR_SUCCESS;
}

/* On the work pool: a million bytes are hashed for each password. */
static void derive_keys(void *arg)
{
	struct snmp_question *q = arg;
	const struct credential *c = &q->credential;
	const struct protocol *auth = protocol_named(auth_protocols, array_len(auth_protocols),
		*c->auth_protocol ? c->auth_protocol : "SHA");
	const struct protocol *priv = protocol_named(priv_protocols, array_len(priv_protocols),
		*c->privacy_protocol ? c->privacy_protocol : "AES");

	if (!auth || !priv) {
		fault_set(&q->fault, CN_AUTH_MISSING, "unknown SNMPv3 protocol in the credential");
		return;
	}
	q->auth = auth->id;
	q->auth_n = auth->n;
	q->priv = priv->id;
	q->priv_n = priv->n;
	q->auth_key_n = *c->auth_password ? sizeof(q->auth_key) : 0;
	q->priv_key_n = *c->auth_password && *c->privacy_password ? sizeof(q->priv_key) : 0;
	if ((q->auth_key_n && !derive(auth, c->auth_password, q->auth_key, &q->auth_key_n)) ||
		(q->priv_key_n && !derive(auth, c->privacy_password, q->priv_key, &q->priv_key_n)))
		fault_set(
			&q->fault, CN_AUTH_MISSING, "an SNMPv3 password has at least 8 characters");
}

static void keys_ready(void *arg)
{
	struct snmp_question *q = arg;

	q->working = false;
	if (!q->errand)
		question_free(q);
	else if (q->fault.code)
		end_soon(q);
	else
		begin(q);
}

/* ---- the public face ---- */

static int choose_credential(struct snmp_question *q)
{
	static const char *const kinds[] = {"snmp_v3", "snmp_v2c", "snmp_v1", NULL};
	struct credential *c = &q->credential;

	if (!errand_credential(q->errand, kinds, c, &q->fault)) {
		if (q->fault.reason[0])
			return -1; /* there is one, and it does not open */
		q->fault = FAULT_INIT;
		snprintf(c->kind, sizeof(c->kind), "snmp_v2c");
	}
	if (!*c->community_read)
		snprintf(c->community_read, sizeof(c->community_read), "public");
	q->version = strcmp(c->kind, "snmp_v3") == 0   ? SNMP_VERSION_3
		     : strcmp(c->kind, "snmp_v1") == 0 ? SNMP_VERSION_1
						       : SNMP_VERSION_2c;
	if (q->reset && q->version != SNMP_VERSION_3 && !*c->community_write)
		return fault_set(&q->fault, CN_AUTH_MISSING,
			"no SNMP credential with a community for writing");
	return 0;
}

static void start(struct snmp_question *q)
{
	init_library();
	if (choose_credential(q) < 0) {
		end_soon(q);
	} else if (q->version == SNMP_VERSION_3) {
		q->working = true;
		loop_work(q->errand->loop, derive_keys, keys_ready, q);
	} else {
		begin(q);
	}
}

struct snmp_question *snmp_ask(struct errand *e, const struct snmp_oid *oids,
	struct snmp_value *values, size_t n, snmp_fn fn, void *arg)
{
	struct snmp_question *q = mem_alloc(sizeof(*q));

	bug_if(n > SNMP_ASK_MAX);
	*q = (struct snmp_question){
		.errand = e, .oids = oids, .values = values, .n = n, .fn = fn, .arg = arg};
	q->try_ms = (e->probe_ms ? e->probe_ms : 5000) / TRIES;
	memset(values, 0, n * sizeof(*values));
	start(q);
	return q;
}

struct snmp_question *snmp_reset(struct errand *e, enum snmp_reset how, snmp_fn fn, void *arg)
{
	struct snmp_question *q = mem_alloc(sizeof(*q));

	*q = (struct snmp_question){.errand = e, .reset = how, .fn = fn, .arg = arg};
	q->try_ms = e->probe_ms ? e->probe_ms : 5000;
	start(q);
	return q;
}

void snmp_cancel(struct snmp_question *q)
{
	if (q == NULL)
		return;
	q->errand = NULL;
	close_session(q);
	if (!q->working)
		question_free(q);
}
