/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The counters of a vCPU. Included with KL_STAT(name) defined to what is to be
 * made of each, hence no guard. Documentation/kvmlite.rst says what they count.
 */
KL_STAT(entries);
KL_STAT(exits);
KL_STAT(exits_fast);
KL_STAT(exits_to_user);
KL_STAT(io);
KL_STAT(mmio);
KL_STAT(cpuid);
KL_STAT(msr);
KL_STAT(cr);
KL_STAT(dr);
KL_STAT(hlt);
KL_STAT(hypercall);
KL_STAT(exception);
KL_STAT(external_interrupt);
KL_STAT(nmi);
KL_STAT(irq_window);
KL_STAT(nmi_window);
KL_STAT(tdp_fault);
KL_STAT(tdp_mapped_4k);
KL_STAT(tdp_mapped_2m);
KL_STAT(tdp_mapped_1g);
KL_STAT(emulated);
KL_STAT(irq_injected);
KL_STAT(nmi_injected);
KL_STAT(exception_injected);
KL_STAT(tlb_flush);
KL_STAT(halt_wakeup);
KL_STAT(signal_exits);
KL_STAT(l1d_flush);
KL_STAT(verw);
KL_STAT(ibpb);
KL_STAT(other);
