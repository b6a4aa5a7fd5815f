using Interpose.Abi;

namespace Interpose.Fuse;

/// <content>Copies of what is changed; without them nothing is.</content>
internal sealed unsafe partial class FuseFiles
{
    private static Errno FindCopy(
        FuseNode parent, FuseName name, ViewRule rule, statx* found, out FuseNode? node)
    {
        node = null;
        return Errno.EROFS;
    }

    private static Errno CopyFirst(FuseNode node, bool empty) =>
        node.Access == ViewAccess.CopyOnWrite ? Errno.EROFS : Errno.None;

    private static Errno FollowCopy(FuseHandle handle) => Errno.EROFS;

    private static Errno CreateCopy(
        FuseNode parent, FuseName name, int flags, int mode, fuse_in_header* caller, out int fd)
    {
        fd = -1;
        return Errno.EROFS;
    }

    private static Errno MakeCopy(
        FuseNode parent, FuseName name, NewFile file, fuse_in_header* caller) => Errno.EROFS;

    private static Errno LinkCopy(FuseNode old, FuseNode parent, FuseName name) => Errno.EROFS;

    private static Errno RemoveCopy(
        FuseNode parent, FuseName name, ViewRule rule, bool isDirectory) => Errno.EROFS;

    private static Errno RenameCopy(ref Side from, ref Side to, uint flags) => Errno.EROFS;

    private static Errno UpperPath(FuseNode parent, out int fd)
    {
        fd = -1;
        return Errno.EROFS;
    }

    private static Errno ListMerged(
        FuseHandle handle, long offset, int room, FuseReply reply, bool plus) => Errno.EROFS;
}
