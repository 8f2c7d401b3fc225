package server;

import com.alibaba.nacos.consistency.serialize.HessianSerializer;

/**
 * Lets Nacos 2.2.4 start with an empty embedded database: its own serializer throws on the empty answer to
 * "select max(id)" (mended in 2.3.0). Serializers are looked up by name, and this one inherits the default's.
 */
public class EmptySafeHessian extends HessianSerializer {

    @Override
    public <T> T deserialize(byte[] data, Class<T> type) {
        return data == null || data.length == 0 ? null : super.deserialize(data, type);
    }
}
