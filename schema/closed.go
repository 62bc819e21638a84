package schema

// closed is a text of a closed vocabulary. Readers that are strict refuse another.
type closed interface {
	isKnown() bool
}

func (b Base) isKnown() bool { return b == Ubuntu || b == Debian || b == NixOS }

func (s System) isKnown() bool { return s == X8664Linux || s == AArch64Linux }

func (c OnChange) isKnown() bool {
	return c == StopStart || c == Restart || c == Reload || c == Keep
}

func (k CheckKind) isKnown() bool {
	return k == CheckUnit || k == CheckHTTP || k == CheckTCP || k == CheckCommand
}

func (p Place) isKnown() bool { return p == OnHost || p == OnController }

func (m HookMoment) isKnown() bool {
	return m == BeforeActivation || m == AfterActivation || m == BeforeReboot || m == AfterReboot
}

func (f OnFailure) isKnown() bool {
	return f == Halt || f == RollbackHost || f == RollbackWave || f == RollbackAll
}

func (o Offline) isKnown() bool { return o == OfflineFail || o == OfflineHold }
