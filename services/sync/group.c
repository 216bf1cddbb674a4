// SPDX-License-Identifier: Apache-2.0
/* The rules of native sync groups; pure. */
#include "services/sync/group.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/base/uuid.h"
#include "gen/errors.h"

#define ROLE_LAST SYNC_ROLE_REPLICA
#define STATE_LAST SYNC_STATE_ERROR
#define PORT ":8443"

/* ---- the table of section 6 ---- */

#define TO(word) (1u << SYNC_STATE_##word)

/* Of a client, also on the server's own machine (6.1). `stopped` from anywhere: dropped at the
 * server. */
static const unsigned client_to[STATE_LAST + 1] = {
	[SYNC_STATE_STOPPED] = TO(START_PENDING_RESTART),
	[SYNC_STATE_START_PENDING_RESTART] =
		TO(RUNNING) | TO(ERROR) | TO(STOP_PENDING_RESTART) | TO(STOPPED),
	[SYNC_STATE_RUNNING] = TO(PAUSING) | TO(STOP_PENDING_RESTART) | TO(STOPPED),
	[SYNC_STATE_PAUSING] = TO(PAUSED) | TO(STOP_PENDING_RESTART) | TO(STOPPED),
	[SYNC_STATE_PAUSED] = TO(RUNNING) | TO(STOP_PENDING_RESTART) | TO(STOPPED),
	[SYNC_STATE_STOP_PENDING_RESTART] = TO(STOPPED),
	[SYNC_STATE_ERROR] = TO(START_PENDING_RESTART) | TO(STOP_PENDING_RESTART) | TO(STOPPED),
};

/* Of a server (6.2), and of a replica, where running means bound (6.3). */
static const unsigned server_to[STATE_LAST + 1] = {
	[SYNC_STATE_STOPPED] = TO(RUNNING),
	[SYNC_STATE_RUNNING] = TO(STOPPED),
};

static const unsigned none_to[STATE_LAST + 1] = {0};

static const struct role_rule {
	const unsigned *to; /* by state: the states that may follow */
	unsigned states;    /* those that the role knows */
} rules[ROLE_LAST + 1] = {
	[SYNC_ROLE_NONE] = {none_to, TO(STOPPED)},
	[SYNC_ROLE_SERVER] = {server_to, TO(STOPPED) | TO(RUNNING)},
	[SYNC_ROLE_CLIENT] = {client_to, ~0u},
	[SYNC_ROLE_SERVER_CLIENT] = {client_to, ~0u},
	[SYNC_ROLE_REPLICA] = {server_to, TO(STOPPED) | TO(RUNNING)},
};

static const char *state_word(enum sync_state state)
{
	return msg_word(sync_state_words, (int)state);
}

static const char *role_word(enum sync_role role)
{
	return msg_word(sync_role_words, (int)role);
}

bool role_is_client(enum sync_role role)
{
	return role == SYNC_ROLE_CLIENT || role == SYNC_ROLE_SERVER_CLIENT;
}

bool role_is_server(enum sync_role role)
{
	return role == SYNC_ROLE_SERVER || role == SYNC_ROLE_SERVER_CLIENT;
}

static bool client_stands(const struct m_sync_member *m)
{
	return role_is_client(m->role) && m->state != SYNC_STATE_STOPPED;
}

bool member_counts(const struct m_sync_member *m)
{
	return role_is_server(m->role) || client_stands(m);
}

/* ---- role and state ---- */

static int state_check(
	const struct m_sync_member *now, const struct m_sync_member *next, struct fault *reterr)
{
	const struct role_rule *rule = &rules[next->role];

	if ((rule->states & (1u << next->state)) == 0)
		return fault_why(reterr, CN_CONFLICT, "sync_transition",
			"a machine of role %s is never %s", role_word(next->role),
			state_word(next->state));
	if (now == NULL)
		return 0;
	/* a machine begins a new role stopped */
	enum sync_state from = now->role == next->role ? now->state : SYNC_STATE_STOPPED;
	if (next->state == from || (rule->to[from] & (1u << next->state)) != 0)
		return 0;
	return fault_why(reterr, CN_CONFLICT, "sync_transition", "%s: from %s to %s is no step",
		role_word(next->role), state_word(from), state_word(next->state));
}

static int role_check(
	const struct m_sync_member *now, const struct m_sync_member *next, struct fault *reterr)
{
	if (now == NULL || now->role == next->role || !client_stands(now))
		return 0;
	return fault_why(reterr, CN_CONFLICT, "sync_running",
		"its client is %s: stop it before it changes from %s to %s", state_word(now->state),
		role_word(now->role), role_word(next->role));
}

static void merge(const struct m_sync_member *now, const struct m_sync_member *asked,
	struct m_sync_member *next)
{
	bool same = now != NULL && (asked->role == 0 || asked->role == now->role);

	*next = (struct m_sync_member){.device = asked->device};
	if (now != NULL)
		*next = *now;
	if (asked->role != 0)
		next->role = asked->role;
	if (asked->state != 0)
		next->state = asked->state;
	else if (!same)
		next->state = SYNC_STATE_STOPPED;
	if (asked->device_name != NULL)
		next->device_name = asked->device_name;
	if (asked->destination != NULL)
		next->destination = asked->destination;
	else if (!same)
		next->destination = NULL; /* of the role before */
	if (asked->seen_at != 0)
		next->seen_at = asked->seen_at;
}

int member_step(const struct m_sync_member *now, const struct m_sync_member *asked,
	struct m_sync_member *ret_next, struct fault *reterr)
{
	struct m_sync_member next;

	merge(now, asked, &next);
	if (next.role == 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "required", "a member needs a role");
	if (next.role > ROLE_LAST || next.state > STATE_LAST)
		return fault_why(reterr, CN_VALIDATION_FAILED, "unknown_word", "role or state");
	if (role_check(now, &next, reterr) < 0 || state_check(now, &next, reterr) < 0 ||
		destination_check(next.role, next.destination, reterr) < 0)
		return -1;
	*ret_next = next;
	return 0;
}

/* ---- the group ---- */

int group_admits(const struct m_sync_member *members, size_t n, const struct m_sync_member *m,
	struct fault *reterr)
{
	size_t machines = member_counts(m), all = 1;

	for (size_t i = 0; i < n; i++) {
		const struct m_sync_member *other = &members[i];
		if (uuid_eq(&other->device, &m->device))
			continue;
		all++;
		machines += member_counts(other);
		if (role_is_server(other->role) && role_is_server(m->role))
			return fault_why(reterr, CN_CONFLICT, "sync_server",
				"the group has a server: %s",
				other->device_name == NULL ? "" : other->device_name);
	}
	if (member_counts(m) && machines > GROUP_MACHINES_MAX)
		return fault_why(reterr, CN_CONFLICT, "sync_limit",
			"at most %d machines synchronise in one group (L1)", GROUP_MACHINES_MAX);
	if (all > GROUP_MEMBERS_MAX)
		return fault_why(reterr, CN_CONFLICT, "sync_limit",
			"a group has at most %d members", GROUP_MEMBERS_MAX);
	return 0;
}

int member_may_leave(const struct m_sync_member *m, struct fault *reterr)
{
	if (!client_stands(m))
		return 0;
	return fault_why(reterr, CN_CONFLICT, "sync_running",
		"its client is %s and counts until it was stopped or dropped (L4)",
		state_word(m->state));
}

/* ---- destinations ---- */

static bool host_name(const char *s, size_t n)
{
	size_t label = 0;

	for (size_t i = 0; i < n; i++) {
		bool word = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			    (s[i] >= '0' && s[i] <= '9') || s[i] == '_';
		if (s[i] == '.' ? label == 0 : !word && (s[i] != '-' || label == 0))
			return false;
		label = s[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return n > 0 && n <= 253;
}

static bool ipv6(const char *s, size_t n)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

/* Only digits and dots: then it must be an IPv4 address. */
static bool ipv4_or_name(const char *s, size_t n)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr addr;

	if (strspn(s, "0123456789.") < n)
		return host_name(s, n);
	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET, text, &addr) == 1;
}

static bool address(const char *s)
{
	const char *end = strchr(s, ']');
	size_t n = strlen(s);

	if (*s == '[')
		return end != NULL && ipv6(s + 1, (size_t)(end - s - 1)) &&
		       (end[1] == '\0' || strcmp(end + 1, PORT) == 0);
	if (ipv6(s, n))
		return true;
	size_t port = strlen(PORT);
	if (n > port && strcmp(s + n - port, PORT) == 0)
		n -= port;
	return ipv4_or_name(s, n);
}

int destination_check(enum sync_role role, const char *destination, struct fault *reterr)
{
	if (destination == NULL || *destination == '\0')
		return 0;
	if (!role_is_client(role))
		return fault_why(reterr, CN_VALIDATION_FAILED, "destination",
			"only a client has a destination, not a %s", role_word(role));
	if (role == SYNC_ROLE_CLIENT && strcmp(destination, DESTINATION_LOCAL) == 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "destination",
			DESTINATION_LOCAL " is for a machine that is its own server");
	if (!address(destination))
		return fault_why(reterr, CN_VALIDATION_FAILED, "destination",
			"an IP address or a host name, with no port but 8443");
	return 0;
}

int group_name_check(const char *name, struct fault *reterr)
{
	struct uuid id;

	if (name == NULL || *name == '\0')
		return fault_why(
			reterr, CN_VALIDATION_FAILED, "required", "a sync group needs a name");
	if (uuid_parse(name, &id) == 0)
		return fault_why(
			reterr, CN_VALIDATION_FAILED, "name", "a name must not look like an id");
	return 0;
}
