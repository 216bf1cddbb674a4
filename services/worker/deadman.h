// SPDX-License-Identifier: Apache-2.0
/* The kernel kills this process before a device lock of its ends (locks.md section 10): a printer
 * cannot check a token, so a frozen holder must be gone first. One timer on CLOCK_BOOTTIME per
 * process, SIGKILL. Loop thread only. */
#pragma once

#include "common/base/fault.h"

/* Makes the timer and proves that it can be armed. 0, or -1: such a worker must not take jobs. */
int deadman_init(struct fault *reterr) must_check;
/* boot_ms: clock_boot_ms() at which to die; 0 disarms. */
void deadman_arm(uint64_t boot_ms);
/* As last armed, 0 = disarmed. */
uint64_t deadman_armed(void);
