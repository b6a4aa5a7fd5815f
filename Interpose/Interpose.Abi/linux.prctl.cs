namespace Interpose.Abi;

/// <summary>linux/prctl.h: prctl(2).</summary>
public static partial class Uapi
{
    public const int PR_SET_PDEATHSIG = 1;
    public const int PR_GET_DUMPABLE = 3;
    public const int PR_SET_DUMPABLE = 4;
    public const int PR_SET_NAME = 15;
    public const int PR_CAPBSET_DROP = 24;
    public const int PR_SET_SECUREBITS = 28;
    public const int PR_CAP_AMBIENT = 47;
    public const int PR_CAP_AMBIENT_RAISE = 2;
    public const int PR_CAP_AMBIENT_CLEAR_ALL = 4;
    public const int PR_SET_SECCOMP = 22;
    public const int PR_GET_SECCOMP = 21;
    public const int PR_SET_NO_NEW_PRIVS = 38;
    public const int PR_GET_NO_NEW_PRIVS = 39;
    public const int PR_SET_PTRACER = 1499557217;
    public const int PR_SET_TIMERSLACK = 29;
}
