// SPDX-License-Identifier: Apache-2.0
/* One libuv loop per process: the one thread of logic. Everything here is called on the loop's
 * thread, loop_post excepted. Nothing on the loop may block; blocking or CPU-heavy work goes to
 * loop_work. */
#pragma once

#include "common/base/base.h"

struct loop;
struct uv_loop_s;

typedef void (*loop_fn)(void *arg);

struct loop *loop_new(void);
void loop_free(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop */
void loop_stop(struct loop *l);
/* From any thread: fn(arg) runs on the loop soon, in order of posting. */
void loop_post(struct loop *l, loop_fn fn, void *arg);
/* work(arg) on the work pool, then done(arg) on the loop. Always both. */
void loop_work(struct loop *l, loop_fn work, loop_fn done, void *arg);
/* fn on the loop when the signal arrives. */
void loop_signal(struct loop *l, int signo, loop_fn fn, void *arg);
/* events: bit set of LOOP_READ, LOOP_WRITE. The watch ends with loop_unwatch (before close(fd)). */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_watch;
typedef void (*loop_watch_fn)(void *arg, int events);
struct loop_watch *loop_watch(struct loop *l, int fd, int events, loop_watch_fn fn, void *arg);
void loop_watch_set(struct loop_watch *w, int events);
void loop_unwatch(struct loop_watch *w);

/* Timers count on the monotonic clock. Setting again moves; firing once unless repeat_ms > 0. */
struct timer;
struct timer *timer_new(struct loop *l, loop_fn fn, void *arg);
void timer_set(struct timer *t, uint64_t ms, uint64_t repeat_ms);
void timer_stop(struct timer *t);
void timer_free(struct timer *t);

/* For common/http and common/db only. */
struct uv_loop_s *loop_uv(struct loop *l);
/* Turns of the loop so far: the worker renews leases only when this moved (locks.md 10.3). */
uint64_t loop_turns(const struct loop *l);
