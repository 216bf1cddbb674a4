// SPDX-License-Identifier: Apache-2.0
/* common/service from outside: example_service runs as processes of its own, we speak to it over
 * the bus and its health port. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/bus/bus.h"
#include "common/clock/clock.h"
#include "common/msg/msg.h"
#include "gen/errors.h"
#include "gen/msg.h"

#define DEADLINE_MS 20000

static char dir[] = "/tmp/carnet-svc.XXXXXX";
static struct loop *loop;
static struct bus *bus;
static struct bus_client *to_a;
static pid_t service_a, service_b;

/* ---- processes ---- */

static pid_t run(const char *name, const char *const *extra)
{
	char program[256], listen[128], publish[128], http[128], grace[] = "--grace-ms=3000";
	const char *argv[16] = {program, listen, publish, http, grace};
	size_t n = 5;

	(void)snprintf(program, sizeof(program), "%s/tests/service/example_service", getenv("B"));
	(void)snprintf(listen, sizeof(listen), "--bus-listen=ipc://%s/%s", dir, name);
	(void)snprintf(publish, sizeof(publish), "--bus-publish=ipc://%s/%s.pub", dir, name);
	(void)snprintf(http, sizeof(http), "--http-listen=unix:%s/%s.http", dir, name);
	while (extra != NULL && *extra != NULL && n < 15)
		argv[n++] = *extra++;
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	(void)dup2(0, 77); /* a descriptor that must not be inherited */
	int log = open("/dev/null", O_WRONLY);
	if (getenv("TEST_LOG") == NULL)
		(void)dup2(log, 2);
	union { /* execv wants what it does not change */
		const char **in;
		char *const *out;
	} args = {.in = argv};
	(void)execv(program, args.out);
	_exit(127);
}

static int exit_code(pid_t pid)
{
	uint64_t start = clock_mono_ms();
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		assert_true(clock_mono_ms() - start < DEADLINE_MS);
		(void)usleep(2000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* One request on the health port of name: the status, or -1 when nobody listens; body in out. */
static int http_get(const char *name, const char *path, char *out, size_t size)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char request[256];
	size_t n = 0;
	ssize_t got;

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s.http", dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int len = snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
		write(fd, request, (size_t)len) != len) {
		(void)close(fd);
		return -1;
	}
	while (n < size - 1 && (got = read(fd, out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	(void)close(fd);
	return n > 12 ? atoi(out + 9) : -1;
}

static void wait_ready(const char *name)
{
	char text[4096];
	uint64_t start = clock_mono_ms();

	while (http_get(name, "/readyz", text, sizeof(text)) != 200) {
		assert_true(clock_mono_ms() - start < DEADLINE_MS);
		(void)usleep(5000);
	}
}

/* ---- calls ---- */

struct answer {
	bool done;
	enum bus_result result;
	const struct msg_desc *desc; /* of the answer */
	struct msg_header header;
	const void *body;
	struct arena arena;
};

static void ran_out(unused void *arg)
{
	(void)fprintf(stderr, "no answer within the deadline\n");
	abort();
}

static void on_answer(void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	struct answer *a = arg;
	struct fault f = FAULT_INIT;
	void *decoded = NULL;

	a->result = result;
	if (result == BUS_OK) {
		assert_int_equal(
			msg_decode(body, &a->arena, &a->desc, &a->header, &decoded, &f), 0);
		a->body = decoded;
	}
	a->done = true;
	loop_stop(loop);
}

static void wait_answer(struct answer *a)
{
	struct timer *limit = timer_new(loop, ran_out, NULL);

	timer_set(limit, DEADLINE_MS, 0);
	while (!a->done)
		loop_run(loop);
	timer_free(limit);
}

static void start_call(struct answer *a, struct span frame)
{
	*a = (struct answer){.done = false};
	arena_init(&a->arena, 0);
	bus_send(to_a, 0, frame, 5000, on_answer, a);
}

static void send_raw(struct answer *a, struct span frame)
{
	start_call(a, frame);
	wait_answer(a);
}

static struct msg_header service_header(void)
{
	return (struct msg_header){.sender = "test/1",
		.trace = {.b = {1, 2, 3}},
		.deadline_ms = 5000,
		.request = uuid_v7(clock_wall_ms()),
		.protocol = MSG_PROTOCOL,
		.actor = ""};
}

static void encode(struct buf *frame, const struct msg_desc *desc, const struct msg_header *h,
	const void *body)
{
	*frame = BUF_INIT;
	msg_encode(frame, desc, h, body);
	assert_false(frame->err);
}

static void ask(
	struct answer *a, const struct msg_desc *desc, const struct msg_header *h, const void *body)
{
	struct buf frame;

	encode(&frame, desc, h, body);
	send_raw(a, buf_span(&frame));
	buf_fini(&frame);
	assert_int_equal(a->result, BUS_OK);
}

static void assert_fault(struct answer *a, int code, const char *reason)
{
	assert_ptr_equal(a->desc, &m_fault_desc);
	const struct m_fault *f = a->body;
	if (reason != NULL)
		assert_string_equal(f->reason, reason);
	assert_int_equal(f->code, code);
	arena_fini(&a->arena);
}

static void assert_reply(struct answer *a, const struct msg_desc *desc)
{
	assert_ptr_equal(a->desc, desc);
	arena_fini(&a->arena);
}

/* ---- the tests ---- */

static void a_request_is_answered_by_its_handler(unused void **state)
{
	struct msg_header h = service_header();
	struct answer a;

	ask(&a, &m_lock_list_desc, &h, &(struct m_lock_list){.limit = 1});
	assert_true(uuid_eq(&a.header.trace, &h.trace));
	assert_true(uuid_eq(&a.header.request, &h.request));
	assert_memory_equal(a.header.sender, "lock/", 5);
	assert_reply(&a, &m_lock_page_desc);
	ask(&a, &m_ping_desc, &h, &(struct m_ping){.has = 0});
	assert_reply(&a, &m_ok_desc);
}

static const struct {
	const struct msg_desc *desc;
	enum msg_right least;
} rights[] = {
	{&m_lock_list_desc, MSG_VIEWER},
	{&m_ping_desc, MSG_VIEWER},
	{&m_lock_cancel_desc, MSG_OPERATOR},
	{&m_lock_end_desc, MSG_ADMIN},
	{&m_lock_observe_desc, MSG_INTERNAL},
};

static const void *body_of(const struct msg_desc *desc)
{
	static const struct m_lock_cancel cancel = {.request = {.b = {1}}, .session = {.b = {1}}};
	static const struct m_lock_end end = {.request = {.b = {1}}, .reason = "x"};
	static const struct m_lock_list empty;

	if (desc == &m_lock_cancel_desc)
		return &cancel;
	return desc == &m_lock_end_desc ? (const void *)&end : (const void *)&empty;
}

/* FL-68, SE-47: every role against every least right. */
static void each_role_may_do_what_its_right_allows_and_no_more(unused void **state)
{
	for (size_t i = 0; i < array_len(rights); i++) {
		for (int role = MSG_INTERNAL; role <= MSG_ADMIN; role++) {
			struct msg_header h = service_header();
			struct answer a;
			bool service = role == MSG_INTERNAL;
			bool allowed = service || (rights[i].least != MSG_INTERNAL &&
							  role >= (int)rights[i].least);
			h.role = (enum msg_right)role;
			h.actor = service ? "" : "mary";
			assert_int_equal(rights[i].desc->right, rights[i].least);
			ask(&a, rights[i].desc, &h, body_of(rights[i].desc));
			if (!allowed)
				assert_fault(&a, CN_PERMISSION_DENIED, "right");
			else if (rights[i].desc == &m_lock_end_desc)
				assert_fault(&a, CN_CONFLICT, "still_held");
			else
				assert_reply(&a, rights[i].desc->reply);
		}
	}
}

static void a_person_cannot_pass_as_a_service(unused void **state)
{
	struct msg_header h = service_header();
	struct answer a;

	h.actor = "mallory";
	h.role = MSG_INTERNAL;
	ask(&a, &m_lock_observe_desc, &h, body_of(&m_lock_observe_desc));
	assert_fault(&a, CN_PERMISSION_DENIED, "right");
}

/* RL-28 */
static void a_request_without_time_left_is_refused_before_work(unused void **state)
{
	struct msg_header h = service_header();
	struct answer a;

	h.deadline_ms = 0;
	ask(&a, &m_lock_list_desc, &h, body_of(&m_lock_list_desc));
	assert_fault(&a, CN_TIMEOUT, "deadline");
}

static void what_is_not_a_known_request_is_refused_with_its_own_reason(unused void **state)
{
	struct msg_header h = service_header();
	struct answer a;
	static const uint8_t garbage[] = {0x93, 0xcd, 0x03, 0x19, 0xdf, 0xff, 0xff, 0xff, 0xff};

	ask(&a, &m_device_list_desc, &h, &(struct m_device_list){.has = 0});
	assert_fault(&a, CN_PROTOCOL_ERROR, "unknown_message");
	ask(&a, &m_ok_desc, &h, &(struct m_ok){.has = 0});
	assert_fault(&a, CN_PROTOCOL_ERROR, "not_a_request");
	h.protocol = MSG_PROTOCOL + 1;
	ask(&a, &m_lock_list_desc, &h, body_of(&m_lock_list_desc));
	assert_fault(&a, CN_PROTOCOL_ERROR, "protocol_version");
	h.min_protocol = MSG_PROTOCOL; /* newer, but it understands us (ST-51) */
	ask(&a, &m_lock_list_desc, &h, body_of(&m_lock_list_desc));
	assert_ptr_equal(a.desc, m_lock_list_desc.reply);
	arena_fini(&a.arena);
	send_raw(&a, (struct span){garbage, sizeof(garbage)});
	assert_ptr_equal(a.desc, &m_fault_desc);
	arena_fini(&a.arena);
	a_request_is_answered_by_its_handler(NULL);
}

static void an_answer_that_breaks_its_limits_becomes_a_fault(unused void **state)
{
	struct msg_header h = service_header();
	struct answer a;

	ask(&a, &m_lock_explain_desc, &h, &(struct m_lock_explain){.op = "print"});
	assert_fault(&a, CN_INTERNAL_ERROR, "encode");
}

static void a_call_through_two_services_carries_the_person_and_the_fault(unused void **state)
{
	const struct m_lock_get body = {.request = {.b = {9}}};
	struct msg_header h = service_header();
	struct answer a;

	h.actor = "mary";
	h.role = MSG_VIEWER; /* may ask the first service, not what that asks the second */
	ask(&a, &m_lock_get_desc, &h, &body);
	assert_fault(&a, CN_PERMISSION_DENIED, "right");
	h.role = MSG_ADMIN;
	ask(&a, &m_lock_get_desc, &h, &body);
	const struct m_fault *f = a.body;
	assert_string_equal(f->detail, "a detail with \"quotes\"");
	assert_fault(&a, CN_CONFLICT, "still_held");
}

static const struct m_lock_acquire *acquire_body(void)
{
	static const struct m_lock_acquire body = {.request = {.b = {1}},
		.session = {.b = {1}},
		.kind = LOCK_KIND_OWN,
		.op = "print",
		.direction = LOCK_DIRECTION_EXPORT};

	return &body;
}

static void a_call_that_is_not_answered_in_time_has_an_unknown_outcome(unused void **state)
{
	struct msg_header h = service_header();
	uint64_t start = clock_mono_ms();
	struct answer a;

	ask(&a, &m_lock_acquire_desc, &h, acquire_body());
	assert_fault(&a, CN_INTERNAL_ERROR, "unknown");
	assert_in_range(clock_mono_ms() - start, 250, 3000);
}

static void stop_b(int signo)
{
	assert_int_equal(kill(service_b, signo), 0);
	(void)exit_code(service_b);
}

static void start_b(void)
{
	char events[160];

	(void)snprintf(events, sizeof(events), "--lock-events=ipc://%s/a.pub", dir);
	service_b = run("b", (const char *[]){events, NULL});
	wait_ready("b");
}

static void a_call_to_a_dead_service_says_unavailable_and_works_again_later(unused void **state)
{
	const struct m_lock_get body = {.request = {.b = {9}}};
	struct msg_header h = service_header();
	struct answer a;

	stop_b(SIGKILL);
	h.deadline_ms = 800;
	ask(&a, &m_lock_get_desc, &h, &body);
	assert_fault(&a, CN_INTERNAL_ERROR, "unavailable");
	start_b();
	h.deadline_ms = 5000;
	ask(&a, &m_lock_get_desc, &h, &body);
	assert_fault(&a, CN_CONFLICT, "still_held");
}

static void publish(void)
{
	struct msg_header h = service_header();
	struct answer a;

	ask(&a, &m_lock_observe_desc, &h, body_of(&m_lock_observe_desc));
	assert_reply(&a, &m_ok_desc);
}

static void heard(int *ret_events, int *ret_gaps)
{
	char text[4096];

	assert_int_equal(http_get("b", "/heard", text, sizeof(text)), 200);
	const char *at = strstr(text, "events ");
	assert_non_null(at);
	*ret_events = atoi(at + 7);
	*ret_gaps = atoi(strstr(at, "gaps ") + 5);
}

static void wait_heard(int events, int gaps)
{
	uint64_t start = clock_mono_ms();
	int e, g;

	for (heard(&e, &g); e < events || g < gaps; heard(&e, &g)) {
		assert_true(clock_mono_ms() - start < DEADLINE_MS);
		(void)usleep(5000);
	}
	assert_int_equal(e, events);
	assert_int_equal(g, gaps);
}

static void start_a(void)
{
	char other[160];

	(void)snprintf(other, sizeof(other), "--lock-urls=ipc://%s/b", dir);
	service_a = run("a", (const char *[]){other, NULL});
	wait_ready("a");
}

/* RL-38: heartbeats carry the numbers, so a new publisher is noticed without any event. */
static void events_arrive_and_a_restarted_publisher_is_noticed_as_a_gap(unused void **state)
{
	int events, gaps;

	stop_b(SIGTERM);
	start_b();
	wait_heard(0, 1); /* the first thing heard of a publisher: read the state */
	for (int i = 0; i < 5; i++)
		publish();
	wait_heard(5, 1);
	assert_int_equal(kill(service_a, SIGKILL), 0);
	(void)exit_code(service_a);
	start_a();
	wait_heard(5, 2);
	publish();
	heard(&events, &gaps);
	wait_heard(6, 2);
}

static void metrics_are_in_the_text_format_and_count_requests(unused void **state)
{
	static char text[256 * 1024];
	struct msg_header h = service_header();
	struct answer a;
	int lines = 0;

	ask(&a, &m_lock_list_desc, &h, body_of(&m_lock_list_desc));
	assert_reply(&a, &m_lock_page_desc);
	assert_int_equal(http_get("a", "/metrics", text, sizeof(text)), 200);
	assert_non_null(strstr(text, "\ncarnet_build_info{service=\"lock\""));
	assert_non_null(
		strstr(text, "carnet_requests_total{message=\"lock_list\",outcome=\"ok\"} 1\n"));
	assert_non_null(strstr(
		text, "carnet_request_seconds_bucket{message=\"lock_list\",le=\"+Inf\"} 1\n"));
	assert_non_null(strstr(text, "\nprocess_resident_memory_bytes "));
	assert_non_null(strstr(text, "\ncarnet_bus_connections "));
	for (char *line = strtok(strstr(text, "\r\n\r\n") + 4, "\n"); line != NULL;
		line = strtok(NULL, "\n"), lines++) {
		char *end = NULL;
		const char *value = strrchr(line, ' ');
		if (line[0] == '#')
			continue;
		assert_non_null(value);
		(void)strtod(value + 1, &end);
		assert_int_equal(*end, '\0');
	}
	assert_true(lines > 30);
	assert_int_equal(http_get("a", "/nothing", text, sizeof(text)), 404);
	assert_int_equal(http_get("a", "/healthz", text, sizeof(text)), 200);
}

/* security.md section 13 */
static void a_process_of_ours_drops_what_it_does_not_need(unused void **state)
{
	char path[64], text[8192];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/77", (int)service_a);
	assert_int_equal(lstat(path, &st), -1);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)service_a);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
	assert_non_null(strstr(text, "Umask:\t0077\n"));
	(void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)service_a);
	f = fopen(path, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	assert_non_null(strstr(text, "Max core file size        0                    0 "));
}

/* RL-39: what is under way is answered, nothing new is begun, readiness is red. */
static void after_sigterm_the_open_request_is_answered_and_the_process_ends_with_0(
	unused void **state)
{
	struct msg_header h = service_header();
	struct answer late, refused;
	struct buf frame;
	char text[4096];

	encode(&frame, &m_lock_cancel_desc, &h, body_of(&m_lock_cancel_desc));
	start_call(&late, buf_span(&frame));
	a_request_is_answered_by_its_handler(NULL); /* behind it on the same connection */
	assert_false(late.done);
	assert_int_equal(kill(service_a, SIGTERM), 0);
	uint64_t start = clock_mono_ms();
	while (http_get("a", "/readyz", text, sizeof(text)) == 200)
		assert_true(clock_mono_ms() - start < DEADLINE_MS);
	h.deadline_ms = 200;
	buf_fini(&frame);
	encode(&frame, &m_lock_list_desc, &h, body_of(&m_lock_list_desc));
	start_call(&refused, buf_span(&frame));
	wait_answer(&late);
	assert_int_equal(late.result, BUS_OK);
	assert_reply(&late, &m_ok_desc);
	wait_answer(&refused);
	if (refused.result == BUS_OK)
		assert_fault(&refused, CN_INTERNAL_ERROR, "unavailable");
	assert_int_equal(exit_code(service_a), 0);
	buf_fini(&frame);
	start_a();
}

static void start_endless_call(struct answer *a)
{
	struct msg_header h = service_header();
	struct buf frame;

	encode(&frame, &m_lock_renew_desc, &h, &(struct m_lock_renew){.session = {.b = {1}}});
	start_call(a, buf_span(&frame));
	buf_fini(&frame);
	a_request_is_answered_by_its_handler(NULL);
}

/* RL-40 */
static void a_second_sigterm_or_the_end_of_the_grace_forces_exit_1(unused void **state)
{
	struct answer a;
	char text[4096];

	start_endless_call(&a);
	assert_int_equal(kill(service_a, SIGTERM), 0);
	while (http_get("a", "/readyz", text, sizeof(text)) == 200)
		;
	assert_int_equal(kill(service_a, SIGTERM), 0);
	uint64_t start = clock_mono_ms();
	assert_int_equal(exit_code(service_a), 1);
	assert_true(clock_mono_ms() - start < 2000);
	wait_answer(&a);
	assert_int_equal(a.result, BUS_LOST);

	service_a = run("a", (const char *[]){"--grace-ms=400", NULL});
	wait_ready("a");
	start_endless_call(&a);
	assert_int_equal(kill(service_a, SIGTERM), 0);
	assert_int_equal(exit_code(service_a), 1);
	wait_answer(&a);
	start_a();
}

static void a_bad_setting_ends_with_78_and_a_port_in_use_with_69(unused void **state)
{
	assert_int_equal(exit_code(run("c", (const char *[]){"--sweep-ms=never", NULL})), 78);
	assert_int_equal(exit_code(run("c", (const char *[]){"--nonsense=1", NULL})), 78);
	assert_int_equal(exit_code(run("a", NULL)), 69);
}

/* SE-45 */
static void readiness_says_when_the_bus_is_plain_tcp(unused void **state)
{
	char text[4096];
	pid_t c = run("c", (const char *[]){"--lock-urls=tcp://127.0.0.1:1", NULL});

	wait_ready("c");
	assert_int_equal(http_get("c", "/readyz", text, sizeof(text)), 200);
	assert_non_null(strstr(text, "plain tcp"));
	assert_int_equal(http_get("a", "/readyz", text, sizeof(text)), 200);
	assert_null(strstr(text, "plain tcp"));
	assert_int_equal(kill(c, SIGTERM), 0);
	assert_int_equal(exit_code(c), 0);
}

static int setup(unused void **state)
{
	struct fault f = FAULT_INIT;
	char url[128];

	if (getenv("B") == NULL || mkdtemp(dir) == NULL)
		return -1;
	start_b();
	start_a();
	loop = loop_new();
	bus = bus_new(loop, NULL, &f);
	(void)snprintf(url, sizeof(url), "ipc://%s/a", dir);
	to_a = bus_connect(bus, url, &f);
	return to_a != NULL ? 0 : -1;
}

static int teardown(unused void **state)
{
	char command[64];

	(void)kill(service_a, SIGTERM);
	(void)kill(service_b, SIGTERM);
	(void)exit_code(service_a);
	(void)exit_code(service_b);
	bus_free(bus);
	loop_free(loop);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_are_in_the_text_format_and_count_requests),
		cmocka_unit_test(a_request_is_answered_by_its_handler),
		cmocka_unit_test(each_role_may_do_what_its_right_allows_and_no_more),
		cmocka_unit_test(a_person_cannot_pass_as_a_service),
		cmocka_unit_test(a_request_without_time_left_is_refused_before_work),
		cmocka_unit_test(what_is_not_a_known_request_is_refused_with_its_own_reason),
		cmocka_unit_test(an_answer_that_breaks_its_limits_becomes_a_fault),
		cmocka_unit_test(a_call_through_two_services_carries_the_person_and_the_fault),
		cmocka_unit_test(a_call_that_is_not_answered_in_time_has_an_unknown_outcome),
		cmocka_unit_test(a_call_to_a_dead_service_says_unavailable_and_works_again_later),
		cmocka_unit_test(events_arrive_and_a_restarted_publisher_is_noticed_as_a_gap),
		cmocka_unit_test(a_process_of_ours_drops_what_it_does_not_need),
		cmocka_unit_test(
			after_sigterm_the_open_request_is_answered_and_the_process_ends_with_0),
		cmocka_unit_test(a_second_sigterm_or_the_end_of_the_grace_forces_exit_1),
		cmocka_unit_test(a_bad_setting_ends_with_78_and_a_port_in_use_with_69),
		cmocka_unit_test(readiness_says_when_the_bus_is_plain_tcp),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
