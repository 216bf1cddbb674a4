// SPDX-License-Identifier: Apache-2.0
/* Places where a test kills the process (reliability.md section 8). Built in only with
 * CARNET_CRASHPOINTS (make CRASH=1, and every SAN=1 build); a release holds nothing of it.
 * CARNET_CRASH=name:n in the environment: SIGKILL at the n-th pass of that name;
 * name:n:stop: SIGSTOP at the n-th and each later one, until the test sends SIGCONT. */
#pragma once

#ifdef CARNET_CRASHPOINTS
#define CRASHPOINT(name) crashpoint(name)
void crashpoint(const char *name);
#else
#define CRASHPOINT(name) ((void)0)
#endif
